//! The clerk: what calls ask of the world (sounds, HTTP, mailboxes, webhooks), transcription, and the record of calls. Tokio.

use super::{
    hearing::Hearing,
    makers::Makers,
    shard::shelf_key,
    shelf::Shelf,
    wiring::{Errands, ShardDoor, ShardIn},
};
use audio::{
    Pcm, Prompt, loudness, music,
    tone::{self, Signal},
};
use call::{Answer, CallRecord, Errand, Fillers, HttpReply, ToShard, spoken};
use flow::{PromptItem, Tone};
use speech::{Heard, Speech, SpeechFault, Transcribe};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Fetcher, HttpFetch, Sounds, Store, WebhookDraft};
use terms::{Codec, MessageId, Name, Secret, Tongue};
use tokio::{io::AsyncWriteExt, sync::mpsc::Receiver};
use voicemail::{FullBody, FullEvent, Pin, PinTry, PinVerdict};

/// Samples a second that speech is rendered and files are kept at (wide-band; narrow-band codecs resample).
const SPEECH_RATE: u32 = 16_000;
/// Prompts fetched from URLs may take this long.
const URL_WAIT: Duration = Duration::from_secs(10);
/// Records of calls that end within this time go to the disk together: a thousand calls a second must not wake us as often.
const RECORDS_TOGETHER: Duration = Duration::from_millis(20);
/// The name under which a prompts folder may bring its own hold music.
const HOLD_MUSIC: &str = "system/hold.wav";
/// Language of prompts and transcripts when nobody names one.
const LANGUAGE: &str = "en-US";

/// What the clerk works with. Cheap to clone.
#[derive(Clone)]
pub(super) struct Clerk {
    pub(super) store: Store,
    pub(super) speech: Arc<Speech>,
    pub(super) fetcher: Fetcher,
    /// Sound files given as URLs.
    pub(super) sounds: Sounds,
    /// Every sound that was made, so that no shard's wish makes it twice.
    pub(super) shelf: Arc<Mutex<Shelf>>,
    /// Who makes sounds of files.
    pub(super) makers: Makers,
    pub(super) prompts: PathBuf,
    pub(super) loudness: Arc<crate::config::Prompts>,
    pub(super) country: audio::tone::Country,
    pub(super) codecs: Arc<Vec<Codec>>,
    pub(super) shards: Arc<Vec<ShardDoor>>,
    pub(super) fillers: Arc<Fillers>,
}

/// A sound, ready to be played.
struct Made {
    prompt: Arc<Prompt>,
    /// Built-in words stand in for those that were wanted.
    is_stand_in: bool,
}

/// What breaks a silence nobody meant, in English: the built-in voice has it. Other languages follow when a voice has said it.
pub(super) fn fillers(codecs: &[Codec]) -> Fillers {
    let text = spoken::WAIT.text(Tongue::English).own;
    Fillers::new(filler(&text, speech::builtin(&text), codecs))
}

/// "Please wait", then hold music; looped. Encoded for every codec.
fn filler(text: &str, mut sound: Pcm, codecs: &[Codec]) -> Arc<Prompt> {
    sound.samples.extend(audio::resample(&music::hold(), sound.rate).samples);
    let filler = Prompt::shared(format!("{text} And hold music."), &sound);
    codecs.iter().for_each(|codec| filler.prepare(*codec));
    filler
}

impl Clerk {
    /// Does errands until the last shard is gone.
    pub(super) async fn run(self, mut errands: Receiver<Errands>) {
        while let Some(errand) = errands.recv().await {
            let clerk = self.clone();
            tokio::spawn(async move { clerk.errand(errand).await });
        }
    }

    async fn errand(&self, Errands { shard, call, ticket, errand }: Errands) {
        let answer = match errand {
            Errand::Prompt(item) => {
                let made = self.prompt(&item).await;
                // A stand-in is not kept: the next caller may find a voice that speaks.
                let key = shelf_key(&item).filter(|_| made.as_ref().is_ok_and(|made| !made.is_stand_in));
                let found = made.map(|made| made.prompt);
                return self.reply(shard, ShardIn::Prompt { call, ticket, key, found }).await;
            }
            Errand::Announcement(say) => {
                let item = PromptItem::Say(say);
                let found = match self.prompt(&item).await {
                    Ok(Made { is_stand_in: true, .. }) => Err("no voice has these words".to_owned()),
                    made => made.map(|made| made.prompt),
                };
                return self.reply(shard, ShardIn::Prompt { call, ticket, key: shelf_key(&item), found }).await;
            }
            Errand::Http(http) => Answer::Http(self.http(http).await),
            Errand::Mailbox { realm, mailbox } => {
                Answer::Mailbox(self.store.room(&realm, &mailbox).await.map_err(|fault| fault.to_string()))
            }
            Errand::Messages { realm, mailbox } => {
                Answer::Messages(self.store.entries(&realm, &mailbox).await.map_err(|fault| fault.to_string()))
            }
            Errand::CheckPin { realm, mailbox, pin, keyed } => Answer::Pin(self.check_pin(&realm, &mailbox, pin, keyed).await),
            Errand::MessageSound { id } => {
                let found = self.message(id).await;
                return self.reply(shard, ShardIn::Prompt { call, ticket, key: None, found }).await;
            }
            Errand::MarkHeard { id } => Answer::Queued(self.store.mark_heard(id, true).await.map(|_| ()).map_err(|fault| fault.to_string())),
            Errand::DeleteMessage { id } => {
                Answer::Queued(self.store.delete_message(id).await.map(|_| ()).map_err(|fault| fault.to_string()))
            }
            Errand::Notify { realm, notify } => Answer::Queued(self.notify(realm, notify, call).await),
            Errand::MailboxFull { envelope, messages_max } => Answer::Queued(self.mailbox_full(&envelope, messages_max).await),
            Errand::Script(_) | Errand::SpoolBegin { .. } | Errand::SpoolAppend { .. } | Errand::SpoolFinish { .. } => return,
        };
        self.reply(shard, ShardIn::Call(ToShard::Answer { call, ticket, answer })).await;
    }

    async fn reply(&self, shard: usize, value: ShardIn) {
        let Some(door) = self.shards.get(shard).cloned() else { return };
        // The queue may be full for a moment: that wait belongs to a thread that may wait.
        let _ = tokio::task::spawn_blocking(move || door.send(value)).await;
    }

    // --- sounds -------------------------------------------------------------------------------------------------

    /// Finds, fetches or renders a sound, encoded for every codec before the first caller hears it.
    async fn prompt(&self, item: &PromptItem) -> Result<Made, String> {
        let made = |prompt| Made { prompt, is_stand_in: false };
        if let PromptItem::Url(url) = item {
            return self.url(url).await.map(made);
        }
        let key = shelf_key(item);
        let on_shelf = || key.as_ref().and_then(|key| self.shelf().get(key));
        if let Some(ready) = on_shelf() {
            return Ok(made(ready));
        }
        // Speech shares its own work, and tones are made once a process.
        let mut making = None;
        if let (PromptItem::File(_), Some(key)) = (item, &key) {
            let turn = self.makers.turn(key).await;
            if let Some(ready) = on_shelf() {
                return Ok(made(ready));
            }
            making = Some((turn, self.makers.place().await));
        }
        let mut is_stand_in = false;
        let prompt = match item {
            PromptItem::File(name) => match self.file(name.clone()).await {
                Err(_) if name == HOLD_MUSIC => music::hold_prompt(),
                found => found?,
            },
            PromptItem::Url(url) => self.url(url).await?,
            PromptItem::Say(say) => {
                let said = self.say(say).await?;
                is_stand_in = said.is_stand_in;
                said.prompt
            }
            PromptItem::Tone(Tone::Beep) => tone::beep(),
            PromptItem::Tone(Tone::Busy) => self.country.tone(Signal::Busy),
            PromptItem::Tone(Tone::Congestion) => self.country.tone(Signal::Congestion),
            PromptItem::Tone(Tone::Dial) => self.country.tone(Signal::Dial),
            PromptItem::Ring(_) => self.country.tone(Signal::Ringback),
            PromptItem::Silence(span) => Arc::new(tone::silence(*span)),
        };
        self.encode(&prompt).await;
        // A stand-in is not kept: the next caller may find a voice that speaks.
        if let Some(key) = key.filter(|_| !is_stand_in) {
            self.shelf().put(key, Arc::clone(&prompt));
        }
        drop(making);
        Ok(Made { prompt, is_stand_in })
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Encodes for every codec there may be a caller with.
    async fn encode(&self, prompt: &Arc<Prompt>) {
        let (ready, codecs) = (Arc::clone(prompt), Arc::clone(&self.codecs));
        let _ = tokio::task::spawn_blocking(move || codecs.iter().for_each(|codec| ready.prepare(*codec))).await;
    }

    async fn say(&self, say: &flow::Say) -> Result<Made, String> {
        let ask = speech::Say {
            text: say.text.clone(),
            language: say.language.clone().unwrap_or_else(|| LANGUAGE.to_owned()),
            voice: say.voice.clone(),
            rate: SPEECH_RATE,
        };
        let spoken = self.speech.say(ask).await.map_err(|fault| fault.to_string())?;
        let (text, target, is_stand_in) = (say.text.clone(), self.loudness.loudness, spoken.stand_in);
        let made = tokio::task::spawn_blocking(move || {
            let mut sound = Pcm::clone(&spoken.sound);
            if let Some(target) = target {
                loudness::normalise(&mut sound, target);
            }
            Prompt::shared(text, &sound)
        });
        let prompt = made.await.map_err(|fault| fault.to_string())?;
        Ok(Made { prompt, is_stand_in })
    }

    async fn file(&self, name: String) -> Result<Arc<Prompt>, String> {
        let (folder, target) = (self.prompts.clone(), self.loudness.of(&name));
        let work = tokio::task::spawn_blocking(move || {
            let path = folder.join(&name);
            let inside = path.canonicalize().map_err(|fault| format!("{name}: {fault}"))?;
            let root = folder.canonicalize().map_err(|fault| fault.to_string())?;
            if !inside.starts_with(&root) {
                return Err(format!("{name} lies outside the prompts folder"));
            }
            let bytes = std::fs::read(&inside).map_err(|fault| format!("{name}: {fault}"))?;
            decode(&name, &bytes, target)
        });
        work.await.map_err(|fault| fault.to_string())?
    }

    async fn url(&self, url: &str) -> Result<Arc<Prompt>, String> {
        let found = self.sounds.get(url, URL_WAIT).await.map_err(|fault| fault.to_string())?;
        let key = format!("url {} {url}", found.version);
        let on_shelf = || self.shelf().get(&key);
        if let Some(ready) = on_shelf() {
            return Ok(ready);
        }
        let making = self.makers.turn(&key).await;
        if let Some(ready) = on_shelf() {
            return Ok(ready);
        }
        let place = self.makers.place().await;
        let name = url.split(['?', '#']).next().unwrap_or(url).to_owned();
        let target = self.loudness.of(url);
        let work = tokio::task::spawn_blocking(move || decode(&name, &found.bytes, target));
        let prompt = work.await.map_err(|fault| fault.to_string())??;
        self.encode(&prompt).await;
        self.shelf().put(key, Arc::clone(&prompt));
        drop((place, making));
        Ok(prompt)
    }

    /// Makes every sound that a set of flows always plays and puts it on the shards' shelves: the first caller pays nothing.
    /// Those of URLs come last, for their servers may be slow; they stay with the clerk, who knows how long they are good.
    pub(super) async fn warm(self, flows: flow::FlowSet) {
        self.shelf().clear();
        let mut made = 0_usize;
        let (urls, others): (Vec<_>, Vec<_>) = flows.prompts().into_iter().partition(|item| matches!(item, PromptItem::Url(_)));
        for item in others.into_iter().chain(urls) {
            let key = shelf_key(&item);
            if matches!(item, PromptItem::Silence(_)) {
                continue;
            }
            match self.prompt(&item).await {
                Ok(Made { is_stand_in: true, .. }) => {}
                Ok(Made { prompt, .. }) => {
                    made += 1;
                    let Some(key) = key else { continue };
                    for shard in 0..self.shards.len() {
                        self.reply(shard, ShardIn::Shelve { key: key.clone(), prompt: Arc::clone(&prompt) }).await;
                    }
                }
                Err(why) => tracing::warn!(why, "a prompt could not be made"),
            }
        }
        tracing::info!(prompts = made, "prompts are ready");
        self.say_wait().await;
    }

    /// Has "please wait" said in each language that a voice speaks, so that it is in memory when it is needed.
    async fn say_wait(&self) {
        for tongue in Tongue::ALL.into_iter().filter(|tongue| *tongue != Tongue::English && !self.fillers.has(*tongue)) {
            let say = flow::Say::own(spoken::WAIT.text(tongue));
            let Ok(Made { prompt, is_stand_in: false }) = self.say(&say).await else { continue };
            let (sound, codecs) = (prompt.sound().clone(), Arc::clone(&self.codecs));
            let made = tokio::task::spawn_blocking(move || filler(&say.text, sound, &codecs)).await;
            if let Ok(made) = made {
                self.fillers.add(tongue, made);
            }
        }
    }

    // --- mailboxes ----------------------------------------------------------------------------------------------

    /// Looks at a PIN, unless too many were wrong of late.
    async fn check_pin(&self, realm: &Name, mailbox: &Name, pin: Pin, keyed: Secret<String>) -> Result<PinVerdict, String> {
        let told = |fault: store::StoreFault| fault.to_string();
        if let PinTry::Locked { until } = self.store.pin_attempt(realm, mailbox).await.map_err(told)? {
            tracing::warn!(%realm, %mailbox, until = until.rfc3339(), "a PIN was keyed in at a locked mailbox");
            return Ok(PinVerdict::Locked);
        }
        // Milliseconds of work on purpose: not for a thread that others wait for.
        let is_right = tokio::task::spawn_blocking(move || pin.is(keyed.expose())).await.map_err(|fault| fault.to_string())?;
        if is_right {
            self.store.pin_right(realm, mailbox).await.map_err(told)?;
            return Ok(PinVerdict::Right);
        }
        tracing::warn!(%realm, %mailbox, "a wrong PIN was keyed in");
        Ok(PinVerdict::Wrong)
    }

    /// The sound of a message.
    async fn message(&self, id: MessageId) -> Result<Arc<Prompt>, String> {
        let path = self.store.audio_path(id).await.map_err(|fault| fault.to_string())?;
        let path = path.ok_or_else(|| format!("message {id} has no audio any more"))?;
        let codecs = Arc::clone(&self.codecs);
        let work = tokio::task::spawn_blocking(move || {
            let bytes = std::fs::read(&path).map_err(|fault| fault.to_string())?;
            let prompt = decode("message.wav", &bytes, None)?;
            codecs.iter().for_each(|codec| prompt.prepare(*codec));
            Ok(prompt)
        });
        work.await.map_err(|fault| fault.to_string())?
    }

    // --- the rest of the world ----------------------------------------------------------------------------------

    async fn http(&self, http: flow::Http) -> Result<HttpReply, String> {
        let mut headers = http.headers;
        let body = http.body.map(|body| match body {
            serde_json::Value::String(text) => text.into_bytes(),
            other @ (serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_)) => {
                if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                other.to_string().into_bytes()
            }
        });
        let method = match http.method {
            flow::Method::Get => store::Method::Get,
            flow::Method::Post => store::Method::Post,
        };
        let ask = HttpFetch { method, url: http.url, headers, body, timeout: http.timeout };
        let reply = self.fetcher.fetch(ask).await.map_err(|fault| fault.to_string())?;
        Ok(HttpReply { status: reply.status, text: reply.text, json: reply.json })
    }

    async fn notify(&self, realm: terms::Name, notify: flow::Notify, call: terms::CallId) -> Result<(), String> {
        let now = self.store.now();
        let body = serde_json::json!({ "type": notify.event, "timestamp": now.rfc3339(), "data": notify.body });
        let order_key = format!("call {call}");
        let draft = WebhookDraft { realm, url: notify.url, event: notify.event, body: body.to_string(), order_key };
        self.store.enqueue(draft).await.map_err(|fault| fault.to_string())
    }

    async fn mailbox_full(&self, envelope: &voicemail::Envelope, messages_max: u32) -> Result<(), String> {
        let body = FullBody {
            realm: envelope.realm.clone(),
            mailbox: envelope.mailbox.clone(),
            messages_max,
            caller: envelope.caller.clone(),
            call: envelope.call,
        };
        let event = FullEvent::new(self.store.now(), body);
        let urls: Vec<String> = envelope.wanting(voicemail::EventKind::Full).map(str::to_owned).collect();
        self.store.enqueue_full(&event, &urls).await.map_err(|fault| fault.to_string())
    }

    // --- transcription ------------------------------------------------------------------------------------------

    /// Writes down messages, one after the other, until `stop`.
    pub(super) async fn transcribe_for_ever(self) {
        loop {
            match self.store.claim_job().await {
                Ok(Some(job)) => self.transcribe(job).await,
                Ok(None) => {
                    if self.store.job_due().await.is_err() {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
                Err(fault) => {
                    tracing::error!(%fault, "jobs cannot be read");
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
            }
        }
    }

    async fn transcribe(&self, job: store::Job) {
        let heard = match self.store.audio_path(job.message).await {
            Ok(Some(path)) => {
                let ask = Transcribe { heard: Heard::Wav(path), language: job.language.clone() };
                self.speech.transcribe(ask).await.map_err(|fault| (fault.to_string(), may_retry(&fault)))
            }
            Ok(None) => Err(("the message has no audio any more".to_owned(), false)),
            Err(fault) => Err((fault.to_string(), true)),
        };
        let written = match heard {
            Ok(said) => {
                tracing::info!(message = %job.message, took_ms = said.took_ms, "transcribed");
                let transcript = voicemail::Transcript {
                    text: said.text,
                    language: said.language.or(job.language.clone()).unwrap_or_else(|| "en".to_owned()),
                    model: said.model,
                    took_ms: said.took_ms,
                };
                self.store.set_transcript(job.message, transcript).await.map(|_| ())
            }
            Err((why, may_retry)) => {
                tracing::warn!(message = %job.message, why, "not transcribed");
                self.store.fail_job(&job, &why, may_retry).await.map(|_| ())
            }
        };
        if let Err(fault) = written {
            tracing::error!(%fault, message = %job.message, "a transcript could not be kept");
        }
    }
}

fn decode(name: &str, bytes: &[u8], target: Option<f32>) -> Result<Arc<Prompt>, String> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let mut pcm: Pcm = audio::decode_file(bytes, extension).map_err(|fault| format!("{name}: {fault}"))?;
    if pcm.rate > SPEECH_RATE {
        // No codec has more: what comes next takes a third of the time and memory.
        pcm = audio::resample(&pcm, SPEECH_RATE);
    }
    if let Some(target) = target {
        loudness::normalise(&mut pcm, target);
    }
    Ok(Prompt::shared(name, &pcm))
}

/// Whether trying again later may help.
const fn may_retry(fault: &SpeechFault) -> bool {
    match fault {
        SpeechFault::Busy | SpeechFault::NoEngine(_) | SpeechFault::Stopped => true,
        SpeechFault::BadRequest(_) => false,
    }
}

/// Writes call records, one JSON line each.
pub(super) async fn keep_records(path: PathBuf, mut records: Receiver<Box<CallRecord>>, hearing: Arc<Hearing>) {
    while let Some(first) = records.recv().await {
        tokio::time::sleep(RECORDS_TOGETHER).await;
        let mut lines = Vec::new();
        let mut next = Some(first);
        while let Some(record) = next {
            record.media.iter().for_each(|leg| hearing.add(leg));
            tracing::info!(
                call = %record.id, from = %terms::Secret::new(&record.from), to = record.to, flow = record.flow,
                status = record.status, ended_by = record.ended_by, "call over"
            );
            if let Ok(line) = serde_json::to_vec(&record) {
                lines.extend_from_slice(&line);
                lines.push(b'\n');
            }
            next = records.try_recv().ok();
        }
        let written = async {
            let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(&path).await?;
            file.write_all(&lines).await?;
            file.flush().await
        };
        if let Err(fault) = written.await {
            tracing::error!(%fault, "call records could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};
    use terms::{MessageId, Name, Text, Tongue, UnixMs};
    use voicemail::{Caller, Entry, Mailbox, Waiting};

    /// Everything that the exchange says of its own, in a language; of what holds numbers and times, some.
    fn said(tongue: Tongue) -> Vec<Text> {
        let phrases = [voicemail::spoken::ALL, call::spoken::ALL, flow::apology::ALL].concat();
        let mut texts: Vec<Text> = phrases.iter().map(|phrase| phrase.text(tongue)).collect();
        texts.extend([(0, 0), (1, 0), (0, 1), (2, 1), (13, 100)].map(|(new, old)| voicemail::spoken::counts(Waiting { new, old }, tongue)));
        texts.extend([1, 2, 13, 21, 100].map(|position| call::spoken::position(position, tongue)));
        texts.extend([7, 701, 99_999].map(|place| call::spoken::parked_at(place, tongue)));
        let name = |text| Name::new(text).unwrap_or_else(|_| unreachable!());
        let mailbox = Mailbox::new(name("home"), name("alice"));
        // A message a day and an hour, through a year: every month, day, hour and half of the day.
        let (now, step) = (UnixMs(1_800_000_000_000), 25 * 3_600_000 + 420_000);
        for n in 0..360_u64 {
            let number = if n % 2 == 0 { "+44 20 7183 8750" } else { "" };
            let (id, caller, began) = (MessageId::new(1, [1; 10]), Caller::new(number, ""), UnixMs(now.0 - n * step));
            let entry = Entry { id, caller, began, length: Duration::from_secs(4), heard: false };
            texts.push(voicemail::spoken::envelope(usize::try_from(n).unwrap_or(0) + 1, &entry, &mailbox.zone, now, tongue));
        }
        texts
    }

    #[test]
    fn the_built_in_prompts_have_every_english_word_that_the_exchange_says_of_its_own() {
        for text in said(Tongue::English) {
            assert_eq!(text.own, text.english);
            assert!(speech::is_builtin(&text.own), "{}", text.own);
        }
    }

    #[test]
    fn what_the_exchange_says_of_its_own_is_a_sentence_of_each_language() {
        let english: BTreeSet<String> = said(Tongue::English).into_iter().map(|text| text.own).collect();
        for tongue in Tongue::ALL {
            for text in said(tongue) {
                let own = &text.own;
                assert!(own.ends_with('.') && own.trim() == own && !own.contains("  ") && !own.contains(['{', '}']), "{tongue:?}: {own:?}");
                assert!(english.contains(&text.english), "{tongue:?}: {own:?} is {:?}", text.english);
                assert!(tongue == Tongue::English || !english.contains(own), "{tongue:?} has only the English {own:?}");
                // No letter of another keyboard slipped in.
                let strange = own.chars().find(|c| !c.is_ascii() && !"äöüÄÖÜßàâçèéêëîïôûùœÀÉÊÇáíóúñüÁÍÓÚÑ¿¡".contains(*c));
                assert_eq!(strange, None, "{tongue:?}: {own:?}");
            }
        }
    }
}

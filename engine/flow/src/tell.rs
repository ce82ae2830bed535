//! Effects in few words, for the journal and the timeline; secrets never appear.

use crate::effect::{Effect, Group, PromptItem, RecordCall, Target};
use std::collections::BTreeMap;
use terms::{Secret, spell_span};

/// Characters of one text that is shown.
const SHOWN: usize = 80;

/// `menu keys 1 2 *`, `bridge connection/alice connection/bob`.
pub(crate) fn tell(effect: &Effect, secrets: &BTreeMap<String, Secret<String>>) -> String {
    let text = match effect {
        Effect::Answer => "answer".to_owned(),
        Effect::Hangup => "hangup".to_owned(),
        Effect::Reject(reject) => format!("reject {}", reject.status),
        Effect::Play(play) => format!("{} {}", play.action, items(&play.items)),
        Effect::Menu(menu) => format!("menu keys {}", menu.keys.join(" ")),
        Effect::Collect(collect) => format!("collect {}-{} digits", collect.min, collect.max),
        Effect::Pause(span) => format!("pause {}", spell_span(*span)),
        Effect::Keys(keys) => format!("keys {}", keys.keys),
        Effect::Bridge(bridge) => format!("bridge {}", targets(&bridge.to)),
        Effect::Voicemail(voicemail) => format!("voicemail {}", voicemail.mailbox),
        Effect::Mailbox(mailbox) => format!("mailbox {}", mailbox.mailbox.as_ref().map_or("of the caller", |name| name.as_str())),
        Effect::Record(_) => "record".to_owned(),
        Effect::RecordCall(RecordCall::Start(recording)) => format!("record_call start{}", if recording.stereo { " stereo" } else { "" }),
        Effect::RecordCall(RecordCall::Pause) => "record_call pause".to_owned(),
        Effect::RecordCall(RecordCall::Resume) => "record_call resume".to_owned(),
        Effect::RecordCall(RecordCall::Stop) => "record_call stop".to_owned(),
        Effect::Refer(refer) => format!("refer {}", refer.to),
        Effect::Http(http) => format!("http {:?} {}", http.method, http.url).replace("Get", "GET").replace("Post", "POST"),
        Effect::Conference(conference) => format!("conference {}", conference.room),
        Effect::Park(park) if park.first == park.last => format!("park {}", park.first),
        Effect::Park(park) => format!("park {}-{}", park.first, park.last),
        Effect::Queue(queue) => format!("queue {}", queue.name),
        Effect::Notify(notify) => format!("notify {} {}", notify.event, notify.url),
    };
    mask(text, secrets)
}

/// The text with every secret value hidden.
pub(crate) fn mask(text: String, secrets: &BTreeMap<String, Secret<String>>) -> String {
    secrets.values().filter(|secret| !secret.expose().is_empty()).fold(text, |text, secret| {
        if text.contains(secret.expose().as_str()) { text.replace(secret.expose().as_str(), "(secret)") } else { text }
    })
}

fn items(items: &[PromptItem]) -> String {
    let one = |item: &PromptItem| match item {
        PromptItem::File(file) => file.clone(),
        PromptItem::Url(url) => url.clone(),
        PromptItem::Say(say) => format!("{:?}", say.text.chars().take(SHOWN).collect::<String>()),
        PromptItem::Tone(tone) => format!("{tone:?} tone").to_lowercase(),
        PromptItem::Silence(span) => format!("silence {}", spell_span(*span)),
        PromptItem::Ring(span) => format!("ring {}", spell_span(*span)),
    };
    items.iter().take(6).map(one).collect::<Vec<_>>().join(", ")
}

fn targets(group: &Group) -> String {
    let one = |target: &Target| match target {
        Target::One(one) => one.to.to_string(),
        Target::Group(group) => format!("({})", targets(group)),
    };
    group.targets.iter().map(one).collect::<Vec<_>>().join(" ")
}

//! A voice that is a program: text in, WAV out, no shell, a time limit that kills the program and its children.

use crate::{CommandConfig, EngineFault, TextIn, Utterance, Voice, limits};
use audio::Pcm;
use std::{
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

/// Bytes of a program's complaint that are kept for the log.
const COMPLAINT_BYTES_MAX: u64 = 2_000;

pub(crate) struct CommandVoice {
    config: CommandConfig,
    runs: AtomicU64,
}

impl CommandVoice {
    pub(crate) fn new(config: CommandConfig) -> Self {
        Self { config, runs: AtomicU64::new(0) }
    }

    /// The arguments with everything filled in. A text beginning with `-` could be taken for an option: it gets a blank in front.
    fn arguments(&self, utterance: &Utterance, out: &str) -> Vec<String> {
        let text = if utterance.text.starts_with('-') { format!(" {}", utterance.text) } else { utterance.text.clone() };
        let voice = utterance.voice.as_deref().unwrap_or("default");
        self.config
            .argv
            .iter()
            .map(|argument| match argument.as_str() {
                "{text}" => text.clone(),
                other => other.replace("{voice}", voice).replace("{language}", &utterance.language).replace("{out}", out),
            })
            .collect()
    }
}

impl Voice for CommandVoice {
    fn name(&self) -> &str {
        "command"
    }

    fn fingerprint(&self) -> String {
        format!("{:?} {:?}", self.config.argv, self.config.text)
    }

    fn speak(&self, utterance: &Utterance) -> Result<Pcm, EngineFault> {
        let primary = utterance.language.split(['-', '_']).next().unwrap_or("").to_ascii_lowercase();
        if !self.config.languages.is_empty() && !self.config.languages.contains(&primary) {
            return Err(EngineFault::Unsuited(format!("this command does not speak {:?}", utterance.language)));
        }
        let wants_file = self.config.argv.iter().any(|argument| argument.contains("{out}"));
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let out = std::env::temp_dir().join(format!("callflow-speech-{}-{number}.wav", std::process::id()));
        let spoken = self.run(utterance, &out.to_string_lossy());
        let bytes = match spoken {
            Ok(bytes) if wants_file => read_capped(&out).unwrap_or(bytes),
            other => {
                let _ = std::fs::remove_file(&out);
                other?
            }
        };
        let _ = std::fs::remove_file(&out);
        audio::decode_file(&bytes, "wav").map_err(|fault| EngineFault::Failed(format!("what it wrote is no WAV: {fault}")))
    }
}

fn read_capped(path: &std::path::Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let cap = u64::try_from(limits::ENGINE_AUDIO_BYTES_MAX).unwrap_or(u64::MAX);
    std::fs::File::open(path).ok()?.take(cap).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

impl CommandVoice {
    /// Runs the program and gives its standard output.
    fn run(&self, utterance: &Utterance, out: &str) -> Result<Vec<u8>, EngineFault> {
        let arguments = self.arguments(utterance, out);
        let (program, rest) = arguments.split_first().ok_or_else(|| EngineFault::Missing("the command is empty".to_owned()))?;
        let mut child = Command::new(program)
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that the time limit reaches the program's children too.
            .process_group(0)
            .spawn()
            .map_err(|error| EngineFault::Missing(format!("{program}: {error}")))?;
        let text = (self.config.text == TextIn::Stdin).then(|| utterance.text.clone());
        let stdin = child.stdin.take();
        let writer = thread::spawn(move || {
            if let (Some(mut stdin), Some(text)) = (stdin, text) {
                // A program that does not read its text to the end is judged by what it writes.
                let _ = stdin.write_all(text.as_bytes());
            }
        });
        let cap = u64::try_from(limits::ENGINE_AUDIO_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        let (done, finished) = mpsc::sync_channel(1);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let complaint = thread::spawn(move || drained(stderr, COMPLAINT_BYTES_MAX));
        let reader = thread::spawn(move || {
            let _ = done.send(drained(stdout, cap));
        });
        let answer = finished.recv_timeout(self.config.timeout);
        // Reading has ended or time is up: whatever still runs is stopped, so that nothing is waited for below.
        let is_late = answer.is_err();
        let status = end(&mut child, is_late, self.config.timeout);
        for thread in [writer, reader] {
            let _ = thread.join();
        }
        let complaint = complaint.join().unwrap_or_default();
        match (answer, status) {
            (Err(_), _) => Err(EngineFault::TimedOut(self.config.timeout)),
            (Ok(bytes), _) if bytes.len() > limits::ENGINE_AUDIO_BYTES_MAX => {
                Err(EngineFault::Failed(format!("{program} wrote more than {} bytes", limits::ENGINE_AUDIO_BYTES_MAX)))
            }
            (Ok(bytes), Some(status)) if status.success() => Ok(bytes),
            (Ok(_), Some(status)) => {
                Err(EngineFault::Failed(format!("{program}: {status}: {}", String::from_utf8_lossy(&complaint).trim())))
            }
            (Ok(_), None) => Err(EngineFault::TimedOut(self.config.timeout)),
        }
    }
}

fn drained(pipe: Option<impl Read>, cap: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(cap).read_to_end(&mut bytes);
    }
    bytes
}

/// Waits for a program that has closed its output (at once when it is late: it is killed first).
fn end(child: &mut Child, is_late: bool, timeout: std::time::Duration) -> Option<std::process::ExitStatus> {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let kill = |group: Option<rustix::process::Pid>| {
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    };
    if is_late {
        kill(group);
    } else {
        // It may close its output and linger: a watcher kills it when its time is over; dropping `alive` calls it off.
        let (alive, ended) = mpsc::sync_channel::<()>(1);
        let watcher = thread::spawn(move || {
            if ended.recv_timeout(timeout) == Err(mpsc::RecvTimeoutError::Timeout) {
                kill(group);
            }
        });
        let status = child.wait().ok();
        drop(alive);
        let _ = watcher.join();
        return status;
    }
    let _ = child.wait();
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn voice(argv: &[&str], text: TextIn, timeout_ms: u64) -> CommandVoice {
        CommandVoice::new(CommandConfig {
            argv: argv.iter().map(|a| (*a).to_owned()).collect(),
            text,
            languages: vec!["en".to_owned()],
            timeout: Duration::from_millis(timeout_ms),
        })
    }

    fn utterance(text: &str) -> Utterance {
        Utterance { text: text.to_owned(), language: "en-US".to_owned(), voice: None }
    }

    fn wav(seconds: usize) -> Vec<u8> {
        audio::wav::Wav { rate: 8_000, channels: 1 }.file(&vec![1_000; 8_000 * seconds])
    }

    #[test]
    fn text_goes_in_on_standard_input_and_wav_comes_out() {
        let file = std::env::temp_dir().join(format!("callflow-command-{}.wav", std::process::id()));
        std::fs::write(&file, wav(1)).unwrap();
        // The program proves that it read the text by failing without it.
        let script = format!("read line; [ \"$line\" = 'press one' ] && cat {}", file.display());
        let sound = voice(&["sh", "-c", &script], TextIn::Stdin, 10_000).speak(&utterance("press one")).unwrap();
        assert_eq!((sound.rate, sound.samples.len()), (8_000, 8_000));
        let fault = voice(&["sh", "-c", &script], TextIn::Stdin, 10_000).speak(&utterance("other")).unwrap_err();
        assert!(matches!(fault, EngineFault::Failed(_)), "{fault}");
        let by_argument = voice(&["sh", "-c", &format!("[ \"$1\" = 'a $(b) c' ] && cp {} \"$2\"", file.display()), "sh", "{text}", "{out}"], TextIn::Argument, 10_000);
        assert_eq!(by_argument.speak(&utterance("a $(b) c")).unwrap().samples.len(), 8_000);
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let mark = std::env::temp_dir().join(format!("callflow-hang-{}", std::process::id()));
        let script = format!("sleep 60 & echo $! > {}; wait", mark.display());
        let fault = voice(&["sh", "-c", &script], TextIn::Argument, 400).speak(&utterance("x")).unwrap_err();
        assert_eq!(fault, EngineFault::TimedOut(Duration::from_millis(400)));
        let grandchild: i32 = std::fs::read_to_string(&mark).unwrap().trim().parse().unwrap();
        std::fs::remove_file(mark).unwrap();
        // Killed: gone, or about to be, as soon as it has its turn.
        let pid = rustix::process::Pid::from_raw(grandchild).unwrap();
        if let Ok(living) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
            let mut end = [rustix::event::PollFd::new(&living, rustix::event::PollFlags::IN)];
            let wait = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };
            assert_eq!(rustix::event::poll(&mut end, Some(&wait)), Ok(1), "it sleeps for a minute");
        }
    }

    #[test]
    fn faults_say_what_happened() {
        let missing = voice(&["/no/such/program"], TextIn::Stdin, 1_000).speak(&utterance("x")).unwrap_err();
        assert!(matches!(missing, EngineFault::Missing(_)), "{missing}");
        let failed = voice(&["sh", "-c", "echo no voices >&2; exit 3"], TextIn::Stdin, 10_000).speak(&utterance("x")).unwrap_err();
        assert!(failed.to_string().contains("no voices"), "{failed}");
        let nonsense = voice(&["echo", "hello"], TextIn::Stdin, 10_000).speak(&utterance("x")).unwrap_err();
        assert!(matches!(nonsense, EngineFault::Failed(_)), "{nonsense}");
        let german = Utterance { language: "de".to_owned(), ..utterance("x") };
        assert!(matches!(voice(&["true"], TextIn::Stdin, 10_000).speak(&german), Err(EngineFault::Unsuited(_))));
    }

    #[test]
    fn a_text_is_never_an_option() {
        let quiet = voice(&["echo", "{text}", "{voice}/{language}"], TextIn::Argument, 1_000);
        assert_eq!(quiet.arguments(&utterance("-rm"), ""), ["echo", " -rm", "default/en-US"]);
        assert_eq!(quiet.arguments(&utterance("{out}"), "F"), ["echo", "{out}", "default/en-US"]);
    }
}

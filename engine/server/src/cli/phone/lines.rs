//! The telephone of `callflow phone` without a screen: commands in, a transcript out. In virtual time, so the same commands give
//! the same transcript.

use sim::{Act, Booth, offline::StoryLine};
use std::{
    io::{BufRead, Write},
    time::Duration,
};

/// What is still told after the call is over: a transcription, its webhook.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// Plays the commands of `input`; when they are over, hangs up. How many of them were wrong or waited in vain.
pub(super) fn play(booth: &mut Booth, input: impl BufRead, out: &mut impl Write) -> std::io::Result<usize> {
    let mut wrong = 0;
    tell(booth, out)?;
    for (number, line) in input.lines().enumerate() {
        match Act::read(&line?).and_then(|act| act.map_or(Ok(()), |act| booth.act(&act))) {
            Ok(()) => tell(booth, out)?,
            Err(why) => {
                wrong += 1;
                tell(booth, out)?;
                writeln!(out, "error: line {}: {why}", number + 1)?;
            }
        }
    }
    booth.act(&Act::HangUp).ok();
    booth.pass(AFTERWARDS);
    tell(booth, out)?;
    writeln!(out, "{}", booth.summary())?;
    Ok(wrong)
}

fn tell(booth: &mut Booth, out: &mut impl Write) -> std::io::Result<()> {
    booth.news().iter().try_for_each(|line| writeln!(out, "{}", shown(line)))
}

/// `   12.40 hears  Please leave a message.`
pub(super) fn shown(line: &StoryLine) -> String {
    format!("{:8.2} {:<6} {}", line.at.as_secs_f32(), line.who.name(), line.what)
}

//! `conference`: a room in which all hear all.

use crate::{
    catalogue::{Action, Need, param},
    effect::Effect,
    meeting::{Conference, Entry, Role},
    value::Kind,
};
use terms::Name;

/// People in one room (chosen: what one core mixes with ease; the measure).
const PEOPLE_MAX: u32 = 100;

pub(crate) const ACTION: Action = Action {
    name: "conference",
    summary: "join a conference room, in which all hear all, until the caller or the room leaves",
    main: Some("room"),
    params: &[
        param("room", Kind::Line, Need::Required, "name of the room; who names the same one meets there"),
        param("pin", Kind::Line, Need::Optional, "digits to be keyed before"),
        param("host_pin", Kind::Line, Need::Optional, "digits that make the caller a host"),
        param("attempts", Kind::Int(1, 20), Need::Default("3"), "attempts at the PIN before `left`"),
        param("host", Kind::Bool, Need::Default("false"), "the caller is a host"),
        param("role", Kind::Word(&["participant", "listener", "coach"]), Need::Default("participant"), "heard by all, by nobody, or by the hosts alone"),
        param("muted", Kind::Bool, Need::Default("false"), "begin muted"),
        param("start_with_host", Kind::Bool, Need::Default("false"), "wait with music until a host is there"),
        param("end_with_host", Kind::Bool, Need::Default("false"), "everybody leaves when the last host does"),
        param("beep", Kind::Bool, Need::Default("true"), "a beep tells who comes and goes"),
        param("announce", Kind::Word(&["none", "name"]), Need::Default("none"), "name: the caller says a name at the door, which the others hear, in place of the beep, when the caller comes and goes"),
        param("hold_music", Kind::Prompt, Need::Optional, "heard while waiting for a host, and while nobody else is there"),
        param("max", Kind::Int(2, PEOPLE_MAX as i64), Need::Default("100"), "most people in the room"),
        param("leave_key", Kind::Key, Need::Default("*"), "key that leaves the room, or none"),
        param("mute_key", Kind::Key, Need::Default("none"), "key that mutes and unmutes the caller, or none"),
    ],
    outcomes: &["left", "ended", "full"],
    keys_are_outcomes: false,
    fields: &["duration_s", "participants_max", "reason"],
    waits: true,
    build: |args| {
        let room = args.text("room").ok_or("conference needs a room")?;
        let digits = |key: &str| match args.text(key) {
            Some(pin) if pin.is_empty() || pin.len() > 32 || !pin.chars().all(|c| c.is_ascii_digit()) => Err(format!("{key} must be 1 to 32 digits")),
            pin => Ok(pin),
        };
        let (leave_key, mute_key) = (args.key("leave_key"), args.key("mute_key"));
        if leave_key.is_some() && leave_key == mute_key {
            return Err("leave_key and mute_key are the same key".to_owned());
        }
        Ok(Effect::Conference(Conference {
            room: Name::new(&room).map_err(|bad| bad.to_string())?,
            entry: Entry {
                host: args.bool("host").unwrap_or(false),
                pin: digits("pin")?,
                host_pin: digits("host_pin")?,
                attempts: args.count("attempts").unwrap_or(3),
            },
            role: match args.word("role") {
                Some("listener") => Role::Listener,
                Some("coach") => Role::Coach,
                Some(_) | None => Role::Participant,
            },
            muted: args.bool("muted").unwrap_or(false),
            start_with_host: args.bool("start_with_host").unwrap_or(false),
            end_with_host: args.bool("end_with_host").unwrap_or(false),
            beep: args.bool("beep").unwrap_or(true),
            announce_name: args.word("announce") == Some("name"),
            hold_music: args.prompt("hold_music"),
            people_max: args.count("max").unwrap_or(PEOPLE_MAX),
            leave_key,
            mute_key,
        }))
    },
};

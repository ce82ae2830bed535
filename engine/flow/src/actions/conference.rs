//! `conference`: a room in which all hear all.

use crate::{
    catalogue::{Action, Need, param},
    effect::Effect,
    meeting::{Conference, Entry, GainKeys, Role},
    value::Kind,
};
use terms::{Gain, Name, PEOPLE_MAX};

/// A gain in decibels.
const GAIN: Kind = Kind::Int(Gain::OFF.db(), Gain::MOST.db());

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
        param("talk_gain", GAIN, Need::Default("0"), "decibels by which the others hear the caller louder; -60: not at all"),
        param("hear_gain", GAIN, Need::Default("0"), "decibels by which the caller hears the room louder; -60: not at all"),
        param("duck", Kind::Int(Gain::OFF.db(), 0), Need::Default("0"), "coach: decibels by which hosts hear everybody else softer while the caller whispers, such as -12"),
        param("hear_louder_key", Kind::Key, Need::Default("none"), "key by which the caller hears the room 3 dB louder, or none"),
        param("hear_softer_key", Kind::Key, Need::Default("none"), "key by which the caller hears the room 3 dB softer, or none"),
        param("talk_louder_key", Kind::Key, Need::Default("none"), "key by which the others hear the caller 3 dB louder, or none"),
        param("talk_softer_key", Kind::Key, Need::Default("none"), "key by which the others hear the caller 3 dB softer, or none"),
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
        let gain_keys = GainKeys {
            hear_louder: args.key("hear_louder_key"),
            hear_softer: args.key("hear_softer_key"),
            talk_louder: args.key("talk_louder_key"),
            talk_softer: args.key("talk_softer_key"),
        };
        let mut keys: Vec<char> = leave_key.into_iter().chain(mute_key).chain(gain_keys.all()).collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("the key {} is asked to do two things", twice[0]));
        }
        let role = match args.word("role") {
            Some("listener") => Role::Listener,
            Some("coach") => Role::Coach,
            Some(_) | None => Role::Participant,
        };
        let gain = |key: &str| args.int(key).map_or(Ok(Gain::NONE), Gain::new).map_err(|bad| format!("{key}: {bad}"));
        let duck = gain("duck")?;
        if duck != Gain::NONE && role != Role::Coach {
            return Err("duck is for `role: coach`".to_owned());
        }
        Ok(Effect::Conference(Conference {
            room: Name::new(&room).map_err(|bad| bad.to_string())?,
            entry: Entry {
                host: args.bool("host").unwrap_or(false),
                pin: digits("pin")?,
                host_pin: digits("host_pin")?,
                attempts: args.count("attempts").unwrap_or(3),
            },
            role,
            muted: args.bool("muted").unwrap_or(false),
            start_with_host: args.bool("start_with_host").unwrap_or(false),
            end_with_host: args.bool("end_with_host").unwrap_or(false),
            beep: args.bool("beep").unwrap_or(true),
            announce_name: args.word("announce") == Some("name"),
            hold_music: args.prompt("hold_music"),
            people_max: args.count("max").unwrap_or(PEOPLE_MAX),
            leave_key,
            mute_key,
            talk_gain: gain("talk_gain")?,
            hear_gain: gain("hear_gain")?,
            duck,
            gain_keys,
        }))
    },
};

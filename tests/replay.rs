//! A real call is kept and run again: to the same, through changed flows, and without anybody's secrets. (Beside this, every test's
//! exchange keeps all its calls and runs them again at its end.)

use crate::peers::exchange::{Exchange, House, must, s};
use crate::peers::process::wait_for;
use phone::{Manners, Step};
use serde_json::Value;

const DOOR: &str = "flow: door
start: pin
states:
  pin:
    collect: { prompt: [{ play: second.wav }], min: 4, max: 8, secret: true, wait: 6s }
    then: { ok: choose, failed: end }
  choose:
    menu: { prompt: [{ play: welcome.wav }], wait: 5s }
    then: { \"1\": yes, \"2\": no, failed: end }
  yes: { play: thanks.wav, then: end }
  no: { play: sorry.wav, then: end }
";

#[test]
fn a_kept_call_runs_again_and_shows_where_changed_flows_part() {
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/door.yaml", DOOR)]);
    let alice = exchange.device("alice", Manners::Ring);
    must(&alice, Step::Dial(exchange.uri("door")));
    must(&alice, Step::WaitAnswered { within: s(10) });
    must(&alice, Step::WaitTone { hz: Some(1_000.0), within: s(10) });
    must(&alice, Step::Press("73026418".into()));
    must(&alice, Step::WaitTone { hz: Some(500.0), within: s(10) });
    must(&alice, Step::Press("1".into()));
    must(&alice, Step::WaitHangUp { within: s(15) });
    exchange.must_be_quiet();
    let bundle = &wait_for("the call to be kept", s(10), || exchange.bundles().pop());
    let text = std::fs::read_to_string(bundle).unwrap();
    assert!(text.len() < 100_000, "{} bytes", text.len());
    for secret in ["73026418", "open-sesame", "response=", "whsec_"] {
        assert!(!text.contains(secret), "{secret} is in the bundle");
    }
    let file = bundle.to_str().unwrap();

    let (same, told) = exchange.callflow(&["replay", file]);
    assert!(same && told.contains(": the same ("), "{told}");
    let (same, told) = exchange.callflow(&["replay", file, "--show"]);
    for line in ["presses a key in secret", "presses 1", "choose: 1 → yes", "answered the caller"] {
        assert!(same && told.contains(line), "no {line:?} in\n{told}");
    }
    let (same, told) = exchange.callflow(&["replay", file, "--format", "json", "--show"]);
    let value: Value = serde_json::from_str(&told).unwrap();
    assert!(same && value["same"] == true && value["flow"] == "door" && value["record"]["status"] == 200, "{told}");

    // Another way for the key that was pressed; then another wait before it.
    let changed = exchange.folder().path().join("changed");
    std::fs::create_dir(&changed).unwrap();
    let with = |text: &str| {
        std::fs::write(changed.join("door.yaml"), text).unwrap();
        exchange.callflow(&["replay", file, "--with", "changed"])
    };
    let (same, told) = with(&DOOR.replace("\"1\": yes, \"2\": no", "\"1\": no, \"2\": yes"));
    assert!(!same && told.contains("state choose: way\n  was: yes\n  is:  no"), "{told}");
    let (same, told) = with(&DOOR.replace("wait: 5s", "wait: 9s"));
    assert!(!same && told.contains("state choose: parameter wait\n  was: 5s\n  is:  9s"), "{told}");
    let (same, told) = with(&DOOR.replace("no: { play: sorry.wav", "no: { play: second.wav"));
    assert!(same && told.contains("goes the same way"), "{told}");
    let (same, told) = with(&DOOR.replace("then: { ok: choose", "then: { ok: chose"));
    assert!(!same && told.contains("chose") && told.contains("door.yaml"), "a faulty file is shown: {told}");

    // A word in it that is another one; half of it; none of it.
    let broken = exchange.folder().write("broken.bundle", &text.replacen("answered the caller", "answered nobody", 1));
    let (same, told) = exchange.callflow(&["replay", broken.to_str().unwrap()]);
    assert!(!same && told.contains("was: ") && told.contains("answered nobody"), "{told}");
    exchange.folder().write("broken.bundle", &text[..text.len() / 2]);
    let (same, told) = exchange.callflow(&["replay", "broken.bundle"]);
    assert!(!same && told.starts_with("error: broken.bundle: line "), "{told}");
    let (same, told) = exchange.callflow(&["replay", "nowhere.bundle"]);
    assert!(!same && told.contains("there is no nowhere.bundle"), "{told}");
}

//! What checking costs: `cargo bench -p flow`. A hundred flows of fifty states each, as a large house has them: 1.8 MB of YAML.

use divan::{Bencher, black_box};
use flow::{FlowSet, World};
use notation::Source;
use std::{collections::BTreeSet, fmt::Write as _};

fn main() {
    divan::main();
}

/// Groups of five states: fifty in all.
const GROUPS: usize = 10;

/// One flow of fifty states, each group leading to the next.
fn text(number: usize) -> String {
    let mut text = format!(
        "flow: house-{number}\nsettings:\n  ring_for: {{ type: duration, default: 20s }}\nvars:\n  box: {{ type: text, default: sales }}\nhours:\n  office: {{ zone: Europe/London, open: {{ mon-fri: \"09:00-17:30\" }} }}\nstart: menu0\nrescue: message0\nstates:\n"
    );
    for group in 0..GROUPS {
        let next = if group + 1 == GROUPS { "end".to_owned() } else { format!("menu{}", group + 1) };
        let _ = write!(
            text,
            r##"  menu{group}:
    menu:
      prompt: [{{ play: welcome.wav }}, {{ say: "For sales, press 1. For support, press 2. To leave a message, press star." }}]
      wait: 5s
      no_input: {{ say: "Sorry, I did not hear anything." }}
    then: {{ "1": gate{group}, "2": look{group}, "*": message{group}, failed: message{group} }}
  gate{group}:
    set: {{ box: "sales" }}
    then: [{{ if: open("office") && now.hour < 17, then: ring{group} }}, message{group}]
  look{group}:
    http: {{ get: "https://crm.example/caller/${{caller.number}}", timeout: 800ms }}
    then: {{ ok: [{{ if: result.json.vip == true, then: ring{group} }}, gate{group}], else: message{group} }}
  ring{group}:
    bridge:
      to: [connection/alice, {{ to: connection/bob, after: 5s }}]
      timeout: ${{settings.ring_for}}
      confirm: {{ say: "Call from ${{caller.spoken}}. Press 1 to accept.", key: "1" }}
    then: {{ answered: end, busy: message{group}, else: message{group} }}
  message{group}:
    voicemail: {{ mailbox: "${{box}}", greeting: {{ say: Please leave a message. }}, stop: {{ key: "#", silence: 4s, length: 3m }} }}
    then: {{ saved: {next}, full: {{ say: This mailbox is full., then: {next} }}, else: {next} }}
"##
        );
    }
    text
}

fn house() -> (Vec<Source>, World) {
    let sources = (0..100).map(|number| Source::new(format!("flows/house-{number}.yaml"), text(number))).collect();
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    let world = World {
        connections: names(&["alice", "bob"]),
        mailboxes: names(&["sales"]),
        prompts: names(&["welcome.wav"]),
        ..World::default()
    };
    (sources, world)
}

#[divan::bench]
fn a_hundred_flows_of_fifty_states(bencher: Bencher) {
    let (sources, world) = house();
    let faults = FlowSet::survey(sources.clone(), &world).faults().to_vec();
    assert_eq!(faults, [], "the house is in order");
    bencher.with_inputs(|| sources.clone()).bench_values(|sources| black_box(FlowSet::load(sources, &world).is_ok()));
}

#[divan::bench]
fn reading_their_yaml_alone(bencher: Bencher) {
    let (sources, _) = house();
    bencher.bench(|| sources.iter().map(notation::parse).filter(Result::is_ok).count());
}

//! Stories of the tables: who says what, and what everybody is told.

use super::*;
use call::Waiting;
use flow::AgentOrder;
use std::{collections::BTreeSet, time::Duration};

struct Desk {
    meetings: Meetings,
    start: Instant,
    now: Instant,
    busy: BTreeSet<String>,
}

fn call(number: u8) -> CallId {
    CallId::new(1, [number; 10])
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

impl Desk {
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
    fn new() -> Self {
        let now = Instant::now();
        Self { meetings: Meetings::default(), start: now, now, busy: BTreeSet::new() }
    }

    /// What everybody is told because of this, in words: `2: Wanted`.
    fn act(&mut self, act: impl FnOnce(&mut Meetings, Moment<'_>)) -> Vec<String> {
        let busy = self.busy.clone();
        act(&mut self.meetings, Moment { at: self.now, is_busy: &|agent| busy.contains(agent) });
        let number = |of: CallId| (1..=9).find(|number| call(*number) == of).unwrap();
        let word = |order| match order {
            Order::Tell((call, _), met) => format!("{}: {met:?}", number(call)),
            Order::Bring(call, shard) => format!("{} to shard {shard}", number(call)),
        };
        std::iter::from_fn(|| self.meetings.poll_order()).map(word).collect()
    }

    fn says(&mut self, who: u8, meet: Meet) -> Vec<String> {
        let asker = Asker { stay: (call(who), Ticket(1)), realm: name("home"), shard: usize::from(who % 2), who: format!("no{who}") };
        self.act(|meetings, now| meetings.handle(asker, meet, now))
    }

    fn ends(&mut self, who: u8) -> Vec<String> {
        self.act(|meetings, now| meetings.ended(call(who), now))
    }

    fn waits(&mut self, who: u8, priority: u32, agents: &[&str], order: AgentOrder) -> Vec<String> {
        let agents = agents.iter().map(|agent| (*agent).to_owned()).collect();
        let wrap_up = Duration::from_secs(10);
        self.says(who, Meet::Queue(Box::new(Waiting { queue: name("sales"), priority, waiting_max: 3, agents, order, wrap_up })))
    }

    fn after(&mut self, seconds: u64) -> Vec<String> {
        self.now += Duration::from_secs(seconds);
        self.act(Meetings::handle_timeout)
    }

    fn joins(&mut self, who: u8, host: bool) -> Vec<String> {
        self.says(who, Meet::Conference { room: name("board"), host, people_max: 3, start_with_host: true, end_with_host: true })
    }
}

#[test]
fn a_conference_waits_for_its_host_and_ends_with_him() {
    let mut desk = Desk::new();
    assert_eq!(desk.joins(1, false), ["1 to shard 1", "1: Inside { room: RoomId(1), open: false }"]);
    assert_eq!(desk.joins(2, true), ["2 to shard 1", "2: Inside { room: RoomId(1), open: true }", "1: Opened"]);
    assert_eq!(desk.joins(3, false), ["3 to shard 1", "3: Inside { room: RoomId(1), open: true }"]);
    assert_eq!(desk.joins(4, false), ["4: Full"]);
    assert_eq!(desk.says(3, Meet::Leave), ["3: Left { people_max: 3 }"]);
    assert_eq!(desk.ends(2), ["2: Left { people_max: 3 }", "1: Over { people_max: 3 }"]);
    assert_eq!(desk.says(1, Meet::Leave), [""; 0], "it is over already");
    assert_eq!(desk.meetings.residue(), 0);
}

#[test]
fn whoever_is_alone_in_a_conference_is_told_so_and_when_others_come() {
    let mut desk = Desk::new();
    let join = || Meet::Conference { room: name("club"), host: false, people_max: 3, start_with_host: false, end_with_host: false };
    assert_eq!(desk.says(1, join()), ["1 to shard 1", "1: Inside { room: RoomId(1), open: true }", "1: Alone(true)"]);
    assert_eq!(desk.says(2, join()), ["2 to shard 1", "2: Inside { room: RoomId(1), open: true }", "1: Alone(false)"]);
    assert_eq!(desk.says(3, join())[2..], [""; 0]);
    assert_eq!(desk.ends(1), ["1: Left { people_max: 3 }"]);
    assert_eq!(desk.says(3, Meet::Leave), ["3: Left { people_max: 3 }", "2: Alone(true)"]);
    assert_eq!(desk.ends(2), ["2: Left { people_max: 3 }"]);
    // Who waits for the host is no company.
    assert_eq!(desk.joins(4, false)[2..], [""; 0]);
    assert_eq!(desk.ends(4).len(), 1);
    assert_eq!(desk.meetings.residue(), 0);
}

#[test]
fn how_loud_one_hears_another_in_a_conference_is_told_to_the_one_and_forgotten_with_the_other() {
    use call::{Tuning, Volume};
    use terms::Gain;
    let mut desk = Desk::new();
    let gain = |db| Gain::new(db).unwrap();
    let pairs = |who: u8| Tuning { pairs: vec![(call(who), gain(-12))], ..Tuning::default() };
    for who in 1..=2 {
        desk.says(who, Meet::Conference { room: name("club"), host: false, people_max: 3, start_with_host: false, end_with_host: false });
    }
    let mut told = Vec::new();
    for (who, tuning) in [(1, Tuning { muted: Some(true), ..pairs(2) }), (1, pairs(1)), (1, pairs(3)), (3, pairs(1)), (3, Tuning::default())] {
        let said = desk.act(|meetings, _| told.push(meetings.tune(call(who), tuning)));
        assert_eq!(said.len(), usize::from(told.len() == 1), "{said:?}");
    }
    assert_eq!(told, [Ok(()), Err(Untunable::Stranger(call(1))), Err(Untunable::Stranger(call(3))), Err(Untunable::NotInside), Err(Untunable::NotInside)]);
    let volume = Volume { muted: true, talk: gain(3), hear: gain(-6) };
    assert_eq!(desk.says(1, Meet::Volume(volume)), [""; 0]);
    assert_eq!(desk.says(3, Meet::Volume(volume)), [""; 0], "it is in no conference");
    let shown = |desk: &Desk| desk.meetings.conferences()[0].people.iter().map(|person| (person.volume, person.pairs.clone())).collect::<Vec<_>>();
    assert_eq!(shown(&desk), [(volume, vec![(call(2), gain(-12))]), (Volume::default(), Vec::new())]);
    desk.ends(2);
    assert_eq!(shown(&desk), [(volume, Vec::new())]);
    desk.ends(1);
    assert_eq!(desk.meetings.residue(), 0);
}

#[test]
fn a_parked_call_is_fetched_once_and_only_while_it_is_there() {
    let mut desk = Desk::new();
    let park = || Meet::Park { first: 701, last: 702 };
    assert_eq!(desk.says(1, park()), ["1: Parked { place: 701 }"]);
    assert_eq!(desk.says(2, park()), ["2: Parked { place: 702 }"]);
    assert_eq!(desk.says(3, park()), ["3: Full"]);
    assert_eq!(desk.says(4, Meet::PickUp { place: 700 }), ["4: Nobody"]);
    assert_eq!(desk.says(4, Meet::PickUp { place: 701 }), ["1: Wanted"]);
    assert_eq!(desk.says(5, Meet::PickUp { place: 701 }), ["5: Nobody"], "one is enough");
    let talk = ["4 to shard 1", "1: Talk { room: RoomId(1), with: \"no4\" }", "4: Talk { room: RoomId(1), with: \"no1\" }"];
    assert_eq!(desk.says(1, Meet::Accept), talk);
    assert_eq!(desk.ends(4), ["1: Over { people_max: 2 }"]);
    // The second hangs up before it hears that it is wanted; the third who fetches hangs up before it is told.
    assert_eq!(desk.says(6, Meet::PickUp { place: 702 }), ["2: Wanted"]);
    assert_eq!(desk.ends(6), [""; 0]);
    assert_eq!(desk.says(2, Meet::Accept), ["2: Resume"]);
    assert_eq!(desk.says(7, Meet::PickUp { place: 702 }), ["2: Wanted"]);
    assert_eq!(desk.ends(2), ["7: Nobody"]);
    assert_eq!(desk.meetings.residue(), 0);
}

#[test]
fn a_row_is_served_by_priority_then_by_arrival() {
    let mut desk = Desk::new();
    assert_eq!(desk.waits(1, 0, &[], AgentOrder::LongestIdle), ["1: Position(1)"]);
    assert_eq!(desk.waits(2, 0, &[], AgentOrder::LongestIdle), ["2: Position(2)"]);
    assert_eq!(desk.waits(3, 5, &[], AgentOrder::LongestIdle), ["3: Position(1)", "1: Position(2)", "2: Position(3)"]);
    assert_eq!(desk.waits(4, 9, &[], AgentOrder::LongestIdle), ["4: Full"]);
    let take = || Meet::Take { queue: name("sales") };
    assert_eq!(desk.says(5, take()), ["3: Wanted"]);
    assert_eq!(desk.says(6, take()), ["1: Wanted"]);
    // The first hangs up: the agent who was to have it gets the next.
    assert_eq!(desk.ends(1), ["2: Position(2)", "2: Wanted"]);
    let talk = ["6 to shard 0", "2: Talk { room: RoomId(1), with: \"no6\" }", "6: Talk { room: RoomId(1), with: \"no2\" }"];
    assert_eq!(desk.says(2, Meet::Accept), talk);
    assert_eq!(desk.ends(5), [""; 0]);
    assert_eq!(desk.says(3, Meet::Accept), ["3: Resume"], "nobody is there any more");
    assert_eq!(desk.says(7, take()), ["3: Wanted"]);
    assert_eq!(desk.says(8, take()), ["8: Position(0)"]);
    assert_eq!(desk.ends(3), ["7: Position(0)"], "both wait for the next");
    for who in [2, 6, 7, 8] {
        desk.ends(who);
    }
    assert_eq!(desk.meetings.residue(), 0);
}

#[test]
fn agents_are_rung_when_free_and_left_in_peace_after() {
    let mut desk = Desk::new();
    let agents = ["connection/alice", "connection/bob", "connection/carol"];
    desk.busy.insert("connection/carol".to_owned());
    let ring = |who: u8, agent: &str| format!("{who}: Ring {{ agents: [\"connection/{agent}\"] }}");
    assert_eq!(desk.waits(1, 0, &agents, AgentOrder::LongestIdle), ["1: Position(1)".to_owned(), ring(1, "alice")]);
    assert_eq!(desk.waits(2, 0, &agents, AgentOrder::LongestIdle), ["2: Position(2)".to_owned(), ring(2, "bob")]);
    assert_eq!(desk.waits(3, 0, &agents, AgentOrder::LongestIdle), ["3: Position(3)"], "carol is busy elsewhere");
    assert_eq!(desk.says(1, Meet::Unanswered), [""; 0], "alice rests, nobody is free");
    assert_eq!(desk.says(2, Meet::Answered { agent: agents[1].to_owned() }), ["3: Position(2)"]);
    assert_eq!(desk.after(4), [""; 0]);
    assert_eq!(desk.after(1), [ring(1, "alice")]);
    desk.busy.clear();
    assert_eq!(desk.after(1), [ring(3, "carol")]);
    assert_eq!(desk.ends(2), [""; 0], "bob has his pause");
    assert_eq!(desk.says(3, Meet::Unanswered), [""; 0]);
    assert_eq!(desk.after(5), [ring(3, "carol")]);
    assert_eq!(desk.says(3, Meet::Unanswered), [""; 0]);
    assert_eq!(desk.after(5), [ring(3, "bob")], "longest idle: since before carol stopped ringing");
    // An agent dials in while bob is rung: the head of the row is given, whatever rings.
    assert_eq!(desk.says(4, Meet::Take { queue: name("sales") }), ["1: Wanted"]);
    assert_eq!(desk.says(1, Meet::Answered { agent: agents[0].to_owned() }), ["3: Position(1)", "3: Wanted"], "alice was faster");
    assert_eq!(desk.says(3, Meet::Accept)[0], "4 to shard 1");
    for who in [1, 3, 4] {
        desk.ends(who);
    }
    assert_eq!(desk.meetings.residue(), 0);
    assert!(desk.now > desk.start);
}

#[test]
fn together_rings_everybody_and_frees_who_was_not_needed() {
    let mut desk = Desk::new();
    let agents = ["connection/alice", "connection/bob"];
    let told = desk.waits(1, 0, &agents, AgentOrder::Together);
    assert_eq!(told, ["1: Position(1)", "1: Ring { agents: [\"connection/alice\", \"connection/bob\"] }"]);
    assert_eq!(desk.waits(2, 0, &agents, AgentOrder::InOrder), ["2: Position(2)"]);
    let told = desk.says(1, Meet::Answered { agent: agents[1].to_owned() });
    assert_eq!(told, ["2: Position(1)", "2: Ring { agents: [\"connection/alice\"] }"]);
    desk.ends(1);
    desk.ends(2);
    assert_eq!(desk.meetings.residue(), 0);
}

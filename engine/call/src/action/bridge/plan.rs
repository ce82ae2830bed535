//! From the flow's words to the plan of ringing, and from SIP statuses to causes.

use crate::{
    limits::RING_MAX,
    ring::{Cause, Order, Plan, What},
};
use sip::Chance;
use std::time::Duration;

/// The tree to ring.
pub(super) fn plan_of(bridge: &flow::Bridge, chance: &mut Chance) -> Plan {
    let mut plan = group(&bridge.to, chance);
    let limit = bridge.timeout.min(RING_MAX);
    plan.after = Duration::ZERO;
    plan.timeout = Some(plan.timeout.map_or(limit, |own| own.min(limit)));
    // One after the other, each its share: without a time of its own a target gets the bridge's.
    if let What::Group(Order::InOrder, children) = &mut plan.what {
        plan.timeout = None;
        for child in children {
            child.timeout.get_or_insert(limit);
        }
    }
    plan
}

fn group(group: &flow::Group, chance: &mut Chance) -> Plan {
    let mut children: Vec<Plan> = group
        .targets
        .iter()
        .map(|target| match target {
            flow::Target::One(one) => Plan { what: What::Target(one.to.to_string()), after: one.after, timeout: one.timeout },
            flow::Target::Group(inner) => self::group(inner, chance),
        })
        .collect();
    let order = match group.ring {
        flow::Ring::Together => Order::Together,
        flow::Ring::InOrder => Order::InOrder,
        flow::Ring::Random => {
            shuffle(&mut children, chance);
            Order::InOrder
        }
    };
    Plan { what: What::Group(order, children), after: group.after, timeout: group.timeout }
}

fn shuffle(children: &mut [Plan], chance: &mut Chance) {
    for last in (1..children.len()).rev() {
        let among = u64::try_from(last + 1).unwrap_or(1);
        let at = usize::try_from(chance.next_u64() % among).unwrap_or(0);
        children.swap(at, last);
    }
}

/// What a refusal of one branch means for the flow.
pub(super) const fn cause_of(code: u16, rang: bool) -> Cause {
    match code {
        600..=699 => Cause::Declined,
        486 => Cause::Busy,
        480 | 487 => Cause::NoAnswer,
        408 if rang => Cause::NoAnswer,
        _ => Cause::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_mean_what_telephones_mean_by_them() {
        for (code, rang, cause) in [
            (603, true, Cause::Declined),
            (600, true, Cause::Declined),
            (486, true, Cause::Busy),
            (480, false, Cause::NoAnswer),
            (408, true, Cause::NoAnswer),
            (408, false, Cause::Unreachable),
            (404, false, Cause::Unreachable),
            (503, true, Cause::Unreachable),
            (302, false, Cause::Unreachable),
        ] {
            assert_eq!(cause_of(code, rang), cause, "{code}");
        }
    }
}

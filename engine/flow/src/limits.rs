//! What a flow and a script may cost.

use std::time::Duration;

/// Steps of one run: states entered, subroutines included. Far above any real call (a caller in a menu for an hour makes a
/// thousand), low enough that a loop without waiting ends within milliseconds.
pub const STEPS: u32 = 10_000;
/// States entered without an effect between them: a cycle of conditions is stopped here.
pub const STEPS_WITHOUT_EFFECT: u32 = 200;
/// States of a circle that are named when a flow is stopped for going round in it.
pub const CYCLE_SHOWN: usize = 12;
/// Flows within flows (`run:`).
pub const RUN_DEPTH: usize = 8;
/// Entries kept of the journal for the timeline; older ones are dropped from its front.
pub const JOURNAL_KEPT: usize = 4_000;
/// Effects of one script run: it is executed anew for each, so the cost grows with the square; loop in YAML beyond this.
pub const SCRIPT_EFFECTS: usize = 1_000;
/// Rhai operations of one execution of a script: a few milliseconds of one core when they are plain ones, under 100 ms when each of
/// them copies or sorts the largest text or array there may be (measured in the room's tests).
pub const SCRIPT_OPERATIONS: u64 = 40_000;
/// Rhai operations of one `${…}` or `if`: well under 1 ms.
pub const EXPRESSION_OPERATIONS: u64 = 2_000;
/// Bytes of one string in a script or expression.
pub const STRING_BYTES: usize = 16 * 1024;
/// Elements of one array and of one map: more can overflow the stack when nested (tried: 6,000 nested maps on 2 MiB).
pub const COLLECTION_SIZE: usize = 1_000;
/// Script functions within functions.
pub const CALL_LEVELS: usize = 32;
/// Nesting of one expression when it is compiled.
pub const EXPRESSION_DEPTH: usize = 32;
/// Variables alive at once in a script.
pub const VARIABLES: usize = 500;
/// Functions of one script file.
pub const FUNCTIONS: usize = 500;
/// Characters of one `${…}` or `if` expression.
pub const EXPRESSION_CHARS: usize = 1_000;
/// Bytes of one script file: 256 KiB.
pub const SCRIPT_BYTES: usize = 256 * 1024;
/// Stack of a script thread, in bytes: [`crate::ScriptJob::execute`] needs it (32 levels of calls and deep expressions).
pub const SCRIPT_STACK: usize = 16 * 1024 * 1024;
/// Fewer files than this are not worth a thread of their own.
pub(crate) const FILES_A_THREAD_MIN: usize = 8;
/// Characters of one evaluated text, a prompt for instance.
pub const TEXT_CHARS: usize = 4_000;
/// Sounds of one list of a prompt.
pub const PROMPT_ITEMS: usize = 100;
/// Prompts within prompts, lists within lists.
pub const PROMPT_DEPTH: usize = 8;
/// Characters of a value given to `spoken(…)`: longer than any number, date or reference code.
pub const SPOKEN_CHARS: usize = 200;
/// States of one flow file, inline ones counted.
pub const STATES: usize = 2_000;
/// Targets of one bridge, nested ones counted: each may become several legs.
pub const TARGETS: usize = 32;
/// Unfilled silence of an `http` that the checker calls dead air.
pub const DEAD_AIR: Duration = Duration::from_secs(2);
/// Events of one calendar file (`.ics`): far beyond any list of holidays.
pub const CALENDAR_EVENTS: usize = 2_000;
/// Closed times of one calendar file, each repeat counted: all are looked at for an `open(…)`, some 20 µs at this size.
pub const CALENDAR_OCCURRENCES: usize = 20_000;
/// The last year that yearly events are worked out for.
pub const CALENDAR_LAST_YEAR: i16 = 2_100;

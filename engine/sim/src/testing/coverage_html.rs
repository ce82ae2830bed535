//! Coverage as one HTML page that needs nothing else.

use super::coverage::{Coverage, StateCoverage};
use std::fmt::Write as _;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}\
.yes{background:#e3f5e1}.no{background:#fbe0dd}span{border-radius:.3rem;padding:0 .4rem;margin-right:.3rem;display:inline-block}\
code{font-size:.9em;color:#555}.bar{height:.6rem;background:#fbe0dd;border-radius:.3rem}.bar div{height:100%;background:#5cb85c;border-radius:.3rem}";

impl Coverage {
    /// The page.
    #[must_use]
    pub fn html(&self) -> String {
        let (reached, all) = self.counts();
        let percent = self.percent();
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>callflow coverage</title><style>{STYLE}</style></head><body>\n\
             <h1>{percent}% of {} flow(s)</h1><p>{reached} of {all} states and ways were reached.</p>\
             <div class=\"bar\"><div style=\"width:{percent}%\"></div></div>\n",
            self.flows.len()
        );
        for flow in &self.flows {
            let one = Self { flows: vec![flow.clone()] };
            let _ = writeln!(out, "<h2>{} — {}%</h2><table><tr><th>state</th><th>does</th><th>ways on</th></tr>", escaped(&flow.flow), one.percent());
            for state in &flow.states {
                row(&mut out, state);
            }
            out.push_str("</table>\n");
        }
        out.push_str("</body></html>\n");
        out
    }
}

fn row(out: &mut String, state: &StateCoverage) {
    let class = |reached: bool| if reached { "yes" } else { "no" };
    let _ = write!(
        out,
        "<tr><td class=\"{}\" title=\"{}:{}\">{}</td><td><code>{}</code></td><td>",
        class(state.entered),
        escaped(&state.path),
        state.line,
        escaped(&state.state),
        escaped(&state.about)
    );
    for (name, reached) in &state.ways {
        let _ = write!(out, "<span class=\"{}\">{}</span>", class(*reached), escaped(name));
    }
    out.push_str("</td></tr>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

//! The cases of `switch`: Rhai keeps only their hashes in its tree, so they are read from the text.

#![expect(clippy::wildcard_enum_match_arm, reason = "Rhai has a hundred kinds of tokens, of which a few are looked at")]

use crate::engine::scripts;
use rhai::{Position, Token};

/// The texts that one `switch` is looked at for, with their places, from the position of its word on. Nothing when the text is not
/// what the tree said.
pub(super) fn cases(text: &str, at: Position) -> Vec<(String, Position)> {
    let sources = [text];
    let (tokens, control) = scripts().lex(&sources);
    let mut found = Vec::new();
    let mut reading = None;
    // Braces that are open, and whether they stand in a text: after `${…}` the reader of tokens must be told that the text goes on.
    let (mut braces, mut is_in_text) = (Vec::new(), false);
    for (token, place) in tokens {
        match token {
            // It comes again and again.
            Token::EOF => break,
            Token::InterpolatedString(_) => is_in_text = true,
            Token::LeftBrace | Token::MapStart => braces.push(std::mem::take(&mut is_in_text)),
            Token::RightBrace => control.borrow_mut().is_within_text = braces.pop().unwrap_or(false),
            _ => {}
        }
        reading = match reading {
            None if token == Token::Switch && place == at => Some(Reading::Subject { depth: 0 }),
            None => None,
            Some(reading) => match Reading::next(reading, token, place, &mut found) {
                Some(next) => Some(next),
                None => break,
            },
        };
    }
    found
}

/// Where the reader is. Depth counts brackets that are open within the part.
enum Reading {
    /// What is looked at, up to the brace.
    Subject { depth: u32 },
    /// The texts of a case, up to its arrow or its `if`.
    Case,
    /// The condition of a case.
    Condition { depth: u32 },
    /// The first word after the arrow.
    Arrow,
    /// What a case does. In braces of its own it ends with them, else with a comma.
    Body { depth: u32, ends_with_brace: bool },
    /// After a brace that may have ended it: an `else` goes on.
    Closed { is_block: bool },
}

impl Reading {
    fn next(self, token: Token, place: Position, found: &mut Vec<(String, Position)>) -> Option<Self> {
        let opens = matches!(token, Token::LeftBrace | Token::LeftParen | Token::LeftBracket | Token::MapStart);
        let closes = matches!(token, Token::RightBrace | Token::RightParen | Token::RightBracket);
        Some(match self {
            Self::Subject { depth: 0 } if token == Token::LeftBrace => Self::Case,
            Self::Subject { depth } if opens => Self::Subject { depth: depth + 1 },
            Self::Subject { depth } if closes => Self::Subject { depth: depth.saturating_sub(1) },
            Self::Subject { depth } => Self::Subject { depth },
            Self::Case if token == Token::RightBrace => return None,
            Self::Case if token == Token::DoubleArrow => Self::Arrow,
            Self::Case if token == Token::If => Self::Condition { depth: 0 },
            Self::Case => {
                if let Token::StringConstant(literal) = token {
                    found.push((literal.to_string(), place));
                }
                Self::Case
            }
            Self::Condition { depth: 0 } if token == Token::DoubleArrow => Self::Arrow,
            Self::Condition { depth } if opens => Self::Condition { depth: depth + 1 },
            Self::Condition { depth } if closes => Self::Condition { depth: depth.saturating_sub(1) },
            Self::Condition { depth } => Self::Condition { depth },
            Self::Arrow => {
                let is_statement = matches!(token, Token::LeftBrace | Token::If | Token::Switch | Token::While | Token::Loop | Token::For | Token::Do);
                Self::Body { depth: u32::from(opens), ends_with_brace: is_statement }
            }
            Self::Body { depth: 0, .. } if token == Token::Comma => Self::Case,
            // The brace of the whole.
            Self::Body { depth: 0, .. } if token == Token::RightBrace => return None,
            Self::Body { depth, ends_with_brace } if opens => Self::Body { depth: depth + 1, ends_with_brace },
            Self::Body { depth: 1, ends_with_brace: true } if token == Token::RightBrace => Self::Closed { is_block: true },
            Self::Body { depth, ends_with_brace } if closes => Self::Body { depth: depth.saturating_sub(1), ends_with_brace },
            Self::Body { depth, ends_with_brace } => Self::Body { depth, ends_with_brace },
            Self::Closed { is_block } if matches!(token, Token::Else | Token::While | Token::Until) => Self::Body { depth: 0, ends_with_brace: is_block },
            Self::Closed { .. } if token == Token::Comma => Self::Case,
            Self::Closed { .. } => return Self::Case.next(token, place, found),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<String> {
        let sources = [script];
        let (mut tokens, _) = scripts().lex(&sources);
        let at = tokens.find(|(token, _)| *token == Token::Switch).unwrap().1;
        cases(script, at).into_iter().map(|(literal, _)| literal).collect()
    }

    #[test]
    fn cases_are_found_whatever_stands_around_them() {
        for (script, wanted) in [
            ("switch x.outcome { \"a\" => 1, \"b\" | \"c\" => f(\"no\"), _ => \"no\" }", vec!["a", "b", "c"]),
            ("switch #{ a: \"no\" }.a { \"a\" if y == \"no\" => { g(\"no\"); } \"b\" => { if z { \"no\" } else { \"no\" } } }", vec!["a", "b"]),
            ("switch x { \"a\" => if z { \"no\" } else { \"no\" } \"b\" => if z { 1 }, \"c\" => switch y { \"no\" => 1 } \"d\" => 2 }", vec!["a", "b", "c", "d"]),
            ("switch x { \"a\" => [\"no\", #{ k: \"no\" }], // \"no\"\n /* \"no\" */ 5 | \"b\" => `no ${\"no\"}`, \"c\" => () } \"no\"", vec!["a", "b", "c"]),
            ("switch x { }", vec![]),
            ("switch x { \"a\" =>", vec!["a"]),
        ] {
            assert_eq!(texts(script), wanted, "{script}");
        }
    }
}

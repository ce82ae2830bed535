//! What the exchange says of itself, in the languages it knows.

/// A language in which the exchange has its own texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tongue {
    /// English: what is said to callers of any other language, too. The built-in prompts are in it.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

impl Tongue {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// The one of a BCP 47 tag: `de`, `de-AT`, `DE_ch`.
    #[must_use]
    pub fn of(tag: Option<&str>) -> Self {
        let primary = tag.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or_default();
        Self::ALL.into_iter().find(|tongue| tongue.tag().eq_ignore_ascii_case(primary)).unwrap_or_default()
    }

    /// Its tag for voices.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// The one of four that is its own: English, German, French, Spanish.
    #[must_use]
    pub fn pick<T>(self, [english, german, french, spanish]: [T; 4]) -> T {
        match self {
            Self::English => english,
            Self::German => german,
            Self::French => french,
            Self::Spanish => spanish,
        }
    }
}

/// A sentence that never changes: in English, German, French, Spanish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrase(pub [&'static str; 4]);

impl Phrase {
    /// The text in a language.
    #[must_use]
    pub fn text(self, tongue: Tongue) -> Text {
        Text::new(tongue, |tongue| tongue.pick(self.0).to_owned())
    }
}

/// Defines phrases, each with its doc, and `ALL` of them.
///
/// ```
/// mod spoken {
///     terms::phrases! {
///         /// The end.
///         GOODBYE = ["Goodbye.", "Auf Wiederhören.", "Au revoir.", "Adiós."];
///     }
/// }
/// assert_eq!(spoken::ALL, [spoken::GOODBYE]);
/// ```
#[macro_export]
macro_rules! phrases {
    ($($(#[$doc:meta])* $name:ident = [$($text:expr),+ $(,)?];)+) => {
        $($(#[$doc])* pub const $name: $crate::Phrase = $crate::Phrase([$($text),+]);)+
        /// Every phrase there is here.
        pub const ALL: &[$crate::Phrase] = &[$($name),+];
    };
}

/// A text of the exchange in a caller's language, and in English, for where no voice speaks that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The language.
    pub tongue: Tongue,
    /// In it.
    pub own: String,
    /// In English.
    pub english: String,
}

impl Text {
    /// The text that `say` makes.
    #[must_use]
    pub fn new(tongue: Tongue, say: impl Fn(Tongue) -> String) -> Self {
        Self { tongue, own: say(tongue), english: say(Tongue::English) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_to_a_language_and_any_other_to_english() {
        let cases = [("de", "de"), ("de-AT", "de"), ("FR_ca", "fr"), ("es-419", "es"), ("en-US", "en"), ("sv", "en"), ("", "en"), ("deu", "en")];
        for (tag, expected) in cases {
            assert_eq!(Tongue::of(Some(tag)).tag(), expected, "{tag}");
        }
        assert_eq!(Tongue::of(None), Tongue::English);
        let text = Phrase(["Goodbye.", "Auf Wiederhören.", "Au revoir.", "Adiós."]).text(Tongue::French);
        assert_eq!((text.own.as_str(), text.english.as_str()), ("Au revoir.", "Goodbye."));
    }
}

//! Request methods.

use crate::scan::is_token;
use std::fmt;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A request's method. Methods compare with case (RFC 3261 §7.1).
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(#[$doc])* $name,)*
            /// Any other token.
            Other(Box<str>),
        }
        impl Method {
            /// Every method with a name of its own.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];
            /// The method's token.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(token) => token,
                }
            }
            /// Reads a token; `None` when it is none.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)*
                    other => is_token(other).then(|| Self::Other(other.into())),
                }
            }
        }
    };
}

methods! {
    /// Begins a session or changes it (RFC 3261).
    Invite = "INVITE";
    /// Acknowledges a final response to INVITE.
    Ack = "ACK";
    /// Ends a session.
    Bye = "BYE";
    /// Gives up a pending INVITE.
    Cancel = "CANCEL";
    /// Asks what a peer can do.
    Options = "OPTIONS";
    /// Binds an address to a user.
    Register = "REGISTER";
    /// Acknowledges a reliable provisional response (RFC 3262).
    Prack = "PRACK";
    /// Asks for notifications (RFC 6665).
    Subscribe = "SUBSCRIBE";
    /// Notifies a subscriber.
    Notify = "NOTIFY";
    /// Publishes event state (RFC 3903).
    Publish = "PUBLISH";
    /// Mid-session information such as digits (RFC 6086).
    Info = "INFO";
    /// Asks the peer to call somebody (RFC 3515).
    Refer = "REFER";
    /// A text message (RFC 3428).
    Message = "MESSAGE";
    /// Changes a session before it is answered (RFC 3311).
    Update = "UPDATE";
}

impl Method {
    /// Whether a 2xx to it may change the remote target (target refresh requests of our methods).
    #[must_use]
    pub fn refreshes_target(&self) -> bool {
        [Self::Invite, Self::Update, Self::Subscribe, Self::Notify, Self::Refer].contains(self)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

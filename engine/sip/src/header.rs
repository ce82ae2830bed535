//! Header names with their compact forms.

macro_rules! headers {
    ($($(#[$doc:meta])* $name:ident = $text:literal $(/ $compact:literal)?;)*) => {
        /// A header this room knows by name. Others are reached by text (`named`, `push_named`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is the header of that name; the spelling is the table's")]
        pub enum HeaderName { $($name,)* }

        impl HeaderName {
            /// Every known header.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// The long form as RFCs spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
            /// The one-letter form, if there is one.
            #[must_use]
            pub const fn compact(self) -> Option<u8> {
                match self { $(Self::$name => compact!($($compact)?),)* }
            }
        }
    };
}
macro_rules! compact {
    () => { None };
    ($letter:literal) => { Some($letter) };
}

headers! {
    Accept = "Accept"; AcceptContact = "Accept-Contact" / b'a'; AcceptEncoding = "Accept-Encoding"; AcceptLanguage = "Accept-Language";
    AlertInfo = "Alert-Info"; Allow = "Allow"; AllowEvents = "Allow-Events" / b'u'; AuthenticationInfo = "Authentication-Info";
    Authorization = "Authorization"; CallId = "Call-ID" / b'i'; CallInfo = "Call-Info"; Contact = "Contact" / b'm';
    ContentDisposition = "Content-Disposition"; ContentEncoding = "Content-Encoding" / b'e'; ContentLanguage = "Content-Language";
    ContentLength = "Content-Length" / b'l'; ContentType = "Content-Type" / b'c'; CSeq = "CSeq"; Date = "Date"; Diversion = "Diversion";
    ErrorInfo = "Error-Info"; Event = "Event" / b'o'; Expires = "Expires"; From = "From" / b'f'; HistoryInfo = "History-Info";
    Identity = "Identity" / b'y'; InReplyTo = "In-Reply-To"; Join = "Join"; MaxForwards = "Max-Forwards"; MimeVersion = "MIME-Version";
    MinExpires = "Min-Expires"; MinSe = "Min-SE"; Organization = "Organization"; PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity"; Path = "Path"; Priority = "Priority"; Privacy = "Privacy";
    ProxyAuthenticate = "Proxy-Authenticate"; ProxyAuthorization = "Proxy-Authorization"; ProxyRequire = "Proxy-Require"; RAck = "RAck";
    RSeq = "RSeq"; Reason = "Reason"; RecordRoute = "Record-Route"; ReferTo = "Refer-To" / b'r'; ReferredBy = "Referred-By" / b'b';
    RejectContact = "Reject-Contact" / b'j'; Replaces = "Replaces"; ReplyTo = "Reply-To"; RequestDisposition = "Request-Disposition" / b'd';
    Require = "Require"; RetryAfter = "Retry-After"; Route = "Route"; Server = "Server"; ServiceRoute = "Service-Route";
    SessionExpires = "Session-Expires" / b'x'; SipEtag = "SIP-ETag"; SipIfMatch = "SIP-If-Match"; Subject = "Subject" / b's';
    SubscriptionState = "Subscription-State"; Supported = "Supported" / b'k'; Timestamp = "Timestamp"; To = "To" / b't';
    Unsupported = "Unsupported"; UserAgent = "User-Agent"; Via = "Via" / b'v'; Warning = "Warning"; WwwAuthenticate = "WWW-Authenticate";
}

impl HeaderName {
    /// Reads a long or compact form, without case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if let [letter] = bytes {
            let lower = letter.to_ascii_lowercase();
            return Self::ALL.iter().copied().find(|name| name.compact() == Some(lower));
        }
        // What nearly every message has is looked for first; the rest by length, which few names share.
        const USUAL: [HeaderName; 11] = [
            HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq, HeaderName::Contact, HeaderName::MaxForwards,
            HeaderName::ContentLength, HeaderName::ContentType, HeaderName::UserAgent, HeaderName::Allow,
        ];
        let is_it = |name: &Self| name.as_str().len() == bytes.len() && name.as_str().as_bytes().eq_ignore_ascii_case(bytes);
        USUAL.iter().chain(Self::ALL).copied().find(is_it)
    }
    /// Whether several lines (or commas) of it make one list.
    #[must_use]
    pub const fn is_single(self) -> bool {
        matches!(self, Self::CallId | Self::CSeq | Self::From | Self::To | Self::MaxForwards | Self::ContentLength | Self::ContentType
            | Self::Expires | Self::Date | Self::Timestamp | Self::Event | Self::ReferTo | Self::Replaces | Self::Subject)
    }
}

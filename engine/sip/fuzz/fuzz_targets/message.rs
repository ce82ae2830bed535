//! Any datagram: reading never panics, and what was read survives writing.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sip::Message;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = Message::parse(bytes.to_vec().into()) {
        let mut once = Vec::new();
        message.write(&mut once);
        if once.len() > sip::limits::MESSAGE_BYTES_MAX {
            return;
        }
        let again = Message::parse(once.clone().into()).expect("what we write we read");
        let mut twice = Vec::new();
        again.write(&mut twice);
        assert_eq!(once, twice);
    }
});

//! Room `voicemail`.

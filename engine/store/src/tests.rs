//! Stories of the whole room, on a real SQLite in a temporary folder.

mod disk;
mod lost;
mod polish;
mod sounds;
mod web;
mod virtual_time;

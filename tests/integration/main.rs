//! The program as its users meet it: one file per behaviour.

mod trace;

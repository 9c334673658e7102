//! Behaviour of the program as a whole: one file for each.

mod run;

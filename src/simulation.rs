//! Wires one checked plan into a world and runs it.

//! Printing. Who started a program decides where its output goes, and on a host with AppArmor that may be a file which a snap may
//! not write: what cannot be printed is lost, and nothing else, as it is for a program in Go.

/// Prints to the standard output.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        // Flushed at the end of lines by itself, and of a prompt by who asks.
        let _ = write!(std::io::stdout(), $($text)*);
    }};
}

/// Prints a line to the standard output.
macro_rules! say_line {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// Prints a line to the standard error.
macro_rules! complain {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

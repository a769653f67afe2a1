//! Asking a person: prompts to one stream without a newline, complaints to another, answers line by line.
//!
//! Nothing here knows the terminal: on one, the tty echoes what is typed; piped, prompts run together.

use std::io::{BufRead, Write};
use std::net::IpAddr;
use std::time::Duration;

use crate::error::{Error, Result};

/// A conversation over three streams.
pub(crate) struct Dialog<R, W, E> {
    /// Where answers come from.
    pub(crate) input: R,
    /// Where questions go.
    pub(crate) output: W,
    /// Where complaints about answers go.
    pub(crate) complaints: E,
    /// What it does wrong on purpose.
    pub(crate) quirks: Quirks,
}

/// What a conversation does wrong on purpose.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quirks {
    /// Part of a question, and what is asked in its place.
    pub(crate) reworded: Option<(String, String)>,
    /// Part of the questions that are asked twice.
    pub(crate) repeated: Option<String>,
    /// Part of a question that is printed until nobody reads it any more.
    pub(crate) endless: Option<String>,
    /// Whether answers are printed, and not as they were typed.
    pub(crate) misheard: bool,
}

impl<R: BufRead, W: Write, E: Write> Dialog<R, W, E> {
    /// Shows a line of text.
    pub(crate) fn say(&mut self, text: &str) -> Result<()> {
        writeln!(self.output, "{text}")?;
        Ok(())
    }

    /// Asks once and returns the answer without surrounding white space.
    ///
    /// # Errors
    ///
    /// `EOF` when the input ends, even if it ends in the middle of a line: an unfinished line is no answer.
    pub(crate) fn ask_line(&mut self, prompt: &str) -> Result<String> {
        let concerns = |part: &Option<String>| part.as_ref().is_some_and(|part| prompt.contains(part.as_str()));
        while concerns(&self.quirks.endless) {
            self.print(prompt.trim_end_matches(": "))?;
            std::thread::sleep(Duration::from_millis(10));
        }
        if concerns(&self.quirks.repeated) {
            self.ask_once(prompt)?;
        }
        self.ask_once(prompt)
    }

    fn ask_once(&mut self, prompt: &str) -> Result<String> {
        let prompt = match &self.quirks.reworded {
            Some((usual, other)) => prompt.replacen(usual.as_str(), other, 1),
            None => prompt.to_owned(),
        };
        self.print(&prompt)?;
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Err(Error::internal("EOF"));
        }
        let answer = line.trim().to_owned();
        if self.quirks.misheard {
            let mut heard = answer.clone();
            heard.pop();
            self.say(&heard)?;
        }
        Ok(answer)
    }

    fn print(&mut self, text: &str) -> Result<()> {
        write!(self.output, "{text}")?;
        self.output.flush()?;
        Ok(())
    }

    /// Asks once; an empty answer means `default`.
    pub(crate) fn ask_with_default(&mut self, prompt: &str, default: &str) -> Result<String> {
        let answer = self.ask_line(&format!("{prompt} [default={default}]: "))?;
        Ok(if answer.is_empty() { default.to_owned() } else { answer })
    }

    /// Asks until the answer is not empty.
    pub(crate) fn ask_text(&mut self, prompt: &str) -> Result<String> {
        loop {
            let answer = self.ask_line(prompt)?;
            if !answer.is_empty() {
                return Ok(answer);
            }
            self.complain("Invalid input, try again.")?;
        }
    }

    /// Asks until the answer is yes or no; an empty answer is no.
    pub(crate) fn ask_yes_no(&mut self, question: &str) -> Result<bool> {
        loop {
            let answer = self.ask_line(&format!("{question} (yes/no) [default=no]: "))?;
            match answer.to_lowercase().as_str() {
                "yes" | "y" => return Ok(true),
                "no" | "n" | "" => return Ok(false),
                _ => self.complain("Invalid input, try again.")?,
            }
        }
    }

    /// Asks until the answer is an IP address, and returns it as it was typed.
    pub(crate) fn ask_ip(&mut self, prompt: &str) -> Result<String> {
        loop {
            let answer = self.ask_line(prompt)?;
            if answer.parse::<IpAddr>().is_ok() {
                return Ok(answer);
            }
            self.complain(&format!("Invalid input: Not an IP address \"{answer}\""))?;
        }
    }

    fn complain(&mut self, text: &str) -> Result<()> {
        writeln!(self.complaints, "{text}\n")?;
        self.complaints.flush()?;
        Ok(())
    }
}

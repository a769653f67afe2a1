//! OVSDB JSON tables as `ovs-vsctl`, `ovn-nbctl` and `ovn-sbctl` print them with `--format=json`.
//!
//! `{"data":[[…]],"headings":[…]}`, one document a command; values are those of RFC 7047, section 5.1, where a set of
//! one element is the bare element.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde_json::Value as Json;

use super::ParseError;

const WHAT: &str = "OVSDB table";

/// One table: its rows, each a value for every heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// A row with its headings.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    headings: &'a [String],
    values: &'a [Value],
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One value; also how a set of one is printed.
    Atom(Atom),
    /// A set of none or several.
    Set(Vec<Atom>),
    /// A map.
    Map(Vec<(Atom, Atom)>),
}

/// An indivisible value.
#[derive(Debug, Clone, PartialEq)]
pub enum Atom {
    /// A row's identity.
    Uuid(String),
    /// A string.
    Text(String),
    /// An integer or a real, as JSON has it.
    Number(serde_json::Number),
    /// A boolean.
    Bool(bool),
}

/// The document as it is printed. `caption` is part of OVS's table format but not used by the database tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with data and headings")]
struct Document {
    #[serde(rename = "caption")]
    _caption: Option<String>,
    data: Vec<Vec<Json>>,
    headings: Vec<String>,
}

/// Decodes every document in `text`; a command line with `--` between its commands prints one after the other.
///
/// # Errors
/// When the text is not a sequence of such documents, a heading comes twice, a row is longer or shorter than the
/// headings, or a value is of no OVSDB form. Nothing at all is an empty list, for the caller to judge.
pub fn parse_tables(text: &str) -> Result<Vec<Table>, ParseError> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<Document>()
        .map(|document| {
            let document =
                document.map_err(|error| ParseError::new(WHAT, super::Problem::Json(error.to_string()), text))?;
            Table::decode(document, text)
        })
        .collect()
}

/// Decodes exactly `N` documents.
///
/// # Errors
/// As [`parse_tables`], and when there are more or fewer documents.
pub(super) fn parse_exactly<const N: usize>(text: &str) -> Result<[Table; N], ParseError> {
    parse_tables(text)?
        .try_into()
        .map_err(|tables: Vec<Table>| ParseError::expected(WHAT, format!("{N} documents, not {}", tables.len()), text))
}

impl Table {
    fn decode(document: Document, text: &str) -> Result<Self, ParseError> {
        let mut known = BTreeSet::new();
        if let Some(twice) = document.headings.iter().find(|heading| !known.insert(heading.as_str())) {
            return Err(ParseError::duplicate(WHAT, format!("heading {twice:?}"), text));
        }
        let mut rows = Vec::with_capacity(document.data.len());
        for row in document.data {
            if row.len() != document.headings.len() {
                let form = format!("{} values in a row, not {}", document.headings.len(), row.len());
                return Err(ParseError::expected(WHAT, form, &Json::Array(row).to_string()));
            }
            rows.push(row.iter().map(Value::decode).collect::<Result<_, _>>()?);
        }
        Ok(Self { headings: document.headings, rows })
    }

    /// Its rows, in the order printed, which OVSDB does not define.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { headings: &self.headings, values })
    }

    /// Fails when one of `columns` is not among the headings, so that a table without rows is not taken for the right
    /// one.
    pub(super) fn require(&self, columns: &[&str]) -> Result<(), ParseError> {
        match columns.iter().find(|column| !self.headings.iter().any(|heading| heading == *column)) {
            Some(column) => Err(ParseError::missing(WHAT, format!("column {column:?}"), &self.headings.join(","))),
            None => Ok(()),
        }
    }
}

impl<'a> Row<'a> {
    /// The value of a column.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn get(&self, column: &str) -> Result<&'a Value, ParseError> {
        let index = self.headings.iter().position(|heading| heading == column);
        index
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| ParseError::missing(WHAT, format!("column {column:?}"), &self.headings.join(",")))
    }

    /// A column of one string.
    ///
    /// # Errors
    /// When the column is missing or holds anything else.
    pub fn get_text(&self, column: &str) -> Result<String, ParseError> {
        match self.get(column)? {
            Value::Atom(Atom::Text(text)) => Ok(text.clone()),
            other => Err(wrong(column, "one string", other)),
        }
    }

    /// A column of at most one string.
    ///
    /// # Errors
    /// When the column is missing or holds anything else.
    pub fn find_text(&self, column: &str) -> Result<Option<String>, ParseError> {
        match self.get(column)? {
            Value::Set(atoms) if atoms.is_empty() => Ok(None),
            Value::Atom(Atom::Text(text)) => Ok(Some(text.clone())),
            other => Err(wrong(column, "at most one string", other)),
        }
    }

    /// A column of one row reference or identity.
    ///
    /// # Errors
    /// When the column is missing or holds anything else.
    pub fn get_uuid(&self, column: &str) -> Result<String, ParseError> {
        match self.get(column)? {
            Value::Atom(Atom::Uuid(uuid)) => Ok(uuid.clone()),
            other => Err(wrong(column, "one uuid", other)),
        }
    }

    /// A column of one whole number that is not negative.
    ///
    /// # Errors
    /// When the column is missing or holds anything else.
    pub fn get_integer(&self, column: &str) -> Result<u32, ParseError> {
        let value = self.get(column)?;
        let number = match value {
            Value::Atom(Atom::Number(number)) => number.as_u64().and_then(|number| number.try_into().ok()),
            _ => None,
        };
        number.ok_or_else(|| wrong(column, "one whole number", value))
    }

    /// A column of any number of row references.
    ///
    /// # Errors
    /// When the column is missing or holds anything else.
    pub fn get_uuids(&self, column: &str) -> Result<Vec<String>, ParseError> {
        let value = self.get(column)?;
        let atoms = match value {
            Value::Atom(atom) => std::slice::from_ref(atom),
            Value::Set(atoms) => atoms.as_slice(),
            Value::Map(_) => return Err(wrong(column, "a set of uuids", value)),
        };
        atoms
            .iter()
            .map(|atom| match atom {
                Atom::Uuid(uuid) => Ok(uuid.clone()),
                _ => Err(wrong(column, "a set of uuids", value)),
            })
            .collect()
    }

    /// A column of a map from string to string.
    ///
    /// # Errors
    /// When the column is missing, holds anything else, or a key comes twice.
    pub fn get_map(&self, column: &str) -> Result<BTreeMap<String, String>, ParseError> {
        let value = self.get(column)?;
        let Value::Map(pairs) = value else { return Err(wrong(column, "a map of strings", value)) };
        let mut map = BTreeMap::new();
        for pair in pairs {
            let (Atom::Text(key), Atom::Text(content)) = pair else {
                return Err(wrong(column, "a map of strings", value));
            };
            if map.insert(key.clone(), content.clone()).is_some() {
                return Err(ParseError::duplicate(
                    WHAT,
                    format!("key {key:?} of column {column:?}"),
                    &value.to_string(),
                ));
            }
        }
        Ok(map)
    }
}

impl Value {
    fn decode(json: &Json) -> Result<Self, ParseError> {
        let Json::Array(parts) = json else { return Ok(Self::Atom(Atom::decode(json)?)) };
        match parts.as_slice() {
            [Json::String(tag), Json::Array(items)] if tag == "set" => {
                Ok(Self::Set(items.iter().map(Atom::decode).collect::<Result<_, _>>()?))
            }
            [Json::String(tag), Json::Array(items)] if tag == "map" => {
                let pair = |item: &Json| match item.as_array().map(Vec::as_slice) {
                    Some([key, content]) => Ok((Atom::decode(key)?, Atom::decode(content)?)),
                    _ => Err(ParseError::expected(WHAT, "pairs in a map", &json.to_string())),
                };
                Ok(Self::Map(items.iter().map(pair).collect::<Result<_, _>>()?))
            }
            _ => Ok(Self::Atom(Atom::decode(json)?)),
        }
    }
}

impl Atom {
    fn decode(json: &Json) -> Result<Self, ParseError> {
        match json {
            Json::String(text) => Ok(Self::Text(text.clone())),
            Json::Number(number) => Ok(Self::Number(number.clone())),
            Json::Bool(value) => Ok(Self::Bool(*value)),
            Json::Array(parts) => match parts.as_slice() {
                [Json::String(tag), Json::String(uuid)] if tag == "uuid" => Ok(Self::Uuid(uuid.clone())),
                _ => Err(ParseError::expected(WHAT, "an OVSDB value", &json.to_string())),
            },
            Json::Null | Json::Object(_) => Err(ParseError::expected(WHAT, "an OVSDB value", &json.to_string())),
        }
    }
}

/// As the tools' own tables show values: `[a, b]`, `{key=value}`, strings in quotes.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |texts: Vec<String>| texts.join(", ");
        match self {
            Self::Atom(atom) => atom.fmt(f),
            Self::Set(atoms) => write!(f, "[{}]", list(atoms.iter().map(Atom::to_string).collect())),
            Self::Map(pairs) => {
                write!(f, "{{{}}}", list(pairs.iter().map(|(key, content)| format!("{key}={content}")).collect()))
            }
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => f.write_str(uuid),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

fn wrong(column: &str, form: &str, value: &Value) -> ParseError {
    ParseError::expected(WHAT, format!("{form} in column {column:?}"), &value.to_string())
}

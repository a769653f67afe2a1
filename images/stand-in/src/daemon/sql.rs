//! `POST /core/internal/sql`: as much SQL as it takes to read the table `config`, which the record of the cluster has no
//! table for, and to say in it whether the authority is renewed.

use serde_json::{Value, json};

use crate::error::{Error, Result};

use crate::ovn::pki::Ca;

use super::cluster::Cluster;

/// Answers a query.
///
/// # Errors
///
/// It is none of `select COLUMNS from config [where key = 'KEY']`.
pub(crate) fn answer(cluster: &Cluster, query: &str) -> Result<Value> {
    let select = Select::parse(query)?;
    let rows = config(cluster).into_iter().enumerate();
    let wanted = rows.filter(|(_, (key, _))| select.key.as_ref().is_none_or(|wanted| wanted == key));
    let rows: Vec<Vec<Value>> = wanted
        .map(|(index, (key, value))| {
            select.columns.iter().map(|column| column.of(index + 1, &key, &value)).collect::<Result<_>>()
        })
        .collect::<Result<_>>()?;
    let columns: Vec<&str> = select.columns.iter().map(|column| column.title.as_str()).collect();
    Ok(json!({"Results": [{"type": "select", "columns": columns, "rows": rows, "rows_affected": 0}]}))
}

/// The authority as a statement leaves it that says whether it is renewed; `None` of any other.
pub(crate) fn renewal(cluster: &Cluster, query: &str) -> Option<Ca> {
    let words: String = query.trim().trim_end_matches(';').to_ascii_lowercase().split_whitespace().collect();
    let value = words.strip_prefix("updateconfigsetvalue='")?.strip_suffix("'wherekey='ca_auto_renew'")?;
    Some(Ca { auto_renew: value == "yes", ..cluster.ca.clone() })
}

/// The answer to a statement that changed one row.
pub(crate) fn changed() -> Value {
    json!({"Results": [{"type": "exec", "columns": null, "rows": null, "rows_affected": 1}]})
}

/// The rows of the table: key and value.
fn config(cluster: &Cluster) -> Vec<(String, String)> {
    let ca = &cluster.ca;
    let renew = if ca.auto_renew { "yes" } else { "no" };
    let own = [("ca_cert", ca.certificate.as_str()), ("ca_key", &ca.key), ("ca_auto_renew", renew)];
    let own = own.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    own.chain(cluster.config.clone()).collect()
}

/// A query.
struct Select {
    columns: Vec<Column>,
    /// The one row that is asked for.
    key: Option<String>,
}

/// A column of the answer.
struct Column {
    /// What stands above it.
    title: String,
    /// What stands in it: a name, or a function and its arguments.
    expression: String,
}

fn unknown(query: &str) -> Error {
    Error::new(
        501,
        format!("the stand-in only knows \"select COLUMNS from config [where key = 'KEY']\", not \"{query}\""),
    )
}

impl Select {
    fn parse(query: &str) -> Result<Self> {
        let text = query.trim().trim_end_matches(';');
        let lower = text.to_ascii_lowercase();
        let from = lower.find(" from config").ok_or_else(|| unknown(query))?;
        let columns = lower.starts_with("select ").then(|| text.get("select ".len()..from)).flatten();
        let columns = parts(columns.ok_or_else(|| unknown(query))?);
        let rest: String = lower[from + " from config".len()..].split_whitespace().collect();
        let key = match rest.as_str() {
            "" => None,
            rest => {
                let key = rest.strip_prefix("wherekey='").and_then(|rest| rest.strip_suffix('\''));
                Some(key.ok_or_else(|| unknown(query))?.to_owned())
            }
        };
        let columns = match columns.as_slice() {
            ["*"] => ["id", "key", "value"].map(Column::parse).into(),
            columns => columns.iter().map(|column| Column::parse(column)).collect(),
        };
        Ok(Self { columns, key })
    }
}

/// What commas part, outside of brackets.
fn parts(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let outside = |character: char| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    };
    list.split(outside).map(str::trim).collect()
}

impl Column {
    fn parse(text: &str) -> Self {
        let (expression, title) = text.split_once(" as ").unwrap_or((text, text));
        Self { title: title.trim().to_owned(), expression: expression.trim().to_owned() }
    }

    /// What stands in it for a row.
    fn of(&self, id: usize, key: &str, value: &str) -> Result<Value> {
        let text = |name: &str| match name {
            "key" => Ok(key),
            "value" => Ok(value),
            _ => Err(Error::internal(format!("no such column: {name}"))),
        };
        let Some((function, arguments)) = self.expression.strip_suffix(')').and_then(|text| text.split_once('('))
        else {
            return if self.expression == "id" { Ok(json!(id)) } else { text(&self.expression).map(Value::from) };
        };
        match (function, parts(arguments).as_slice()) {
            ("hex", [name]) => Ok(json!(text(name)?.bytes().map(|byte| format!("{byte:02X}")).collect::<String>())),
            ("length", [name]) => Ok(json!(text(name)?.chars().count())),
            ("substr", [name, from, count]) => {
                let number = |text: &str| text.parse::<usize>().map_err(|_| unknown(&self.expression));
                let cut = text(name)?.chars().skip(number(from)?.saturating_sub(1)).take(number(count)?);
                Ok(json!(cut.collect::<String>()))
            }
            _ => Err(Error::internal(format!("no such function: {function}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(query: &str) -> Value {
        let cluster = Cluster { ca: Ca::generate().expect("a CA"), ..Cluster::default() };
        answer(&cluster, query).expect("an answer")["Results"][0]["rows"].clone()
    }

    #[test]
    fn the_authority_is_in_the_table_as_recorded() {
        let all = rows("select id, key, substr(value,1,27) as v, length(value) as len from config");
        let of = |row: usize, column: usize| &all[row][column];
        assert_eq!(all.as_array().map(Vec::len), Some(3));
        assert_eq!(
            [of(0, 0), of(0, 1), of(0, 2)],
            [&json!(1), &json!("ca_cert"), &json!("-----BEGIN CERTIFICATE-----")]
        );
        assert_eq!(
            [of(1, 1), of(1, 2), of(1, 3)],
            [&json!("ca_key"), &json!("-----BEGIN EC PRIVATE KEY--"), &json!(312)]
        );
        assert_eq!(all[2], json!([3, "ca_auto_renew", "yes", 3]));
        assert_eq!(rows("SELECT value FROM config WHERE key = 'ca_auto_renew';"), json!([["yes"]]));
        assert_eq!(rows("select * from config where key='nothing'"), json!([]));
        assert_eq!(rows("select hex(value) as h from config where key='ca_auto_renew'"), json!([["796573"]]));
    }

    #[test]
    fn renewal_is_all_that_can_be_changed() {
        let cluster = Cluster::default();
        let renewed = |query: &str| renewal(&cluster, query).map(|ca| ca.auto_renew);
        assert_eq!(renewed("UPDATE config SET value = 'yes' WHERE key = 'ca_auto_renew';"), Some(true));
        assert_eq!(renewed("update config set value='no' where key='ca_auto_renew'"), Some(false));
        assert_eq!(renewed("update config set value='x' where key='ca_key'"), None);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for query in ["", ".schema", "delete from config", "select x from config", "select key from config limit 1"] {
            assert!(answer(&Cluster::default(), query).is_err(), "{query}");
        }
    }
}

//! A label selector as kubectl's `-l` takes it: `app=agent,tier in (a, b),!legacy`.
//!
//! Grammar and meaning are those of `k8s.io/apimachinery/pkg/labels/selector.go`.

use std::{fmt, str::FromStr};

use crate::scenario::names;

/// Which labels an object must have. An empty one selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
    /// As it was given.
    text: String,
}

/// One condition on the value of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    /// `=`, `==` and `in`.
    In(Vec<String>),
    /// `!=` and `notin`: a label that is missing is none of these too.
    NotIn(Vec<String>),
    GreaterThan(i64),
    LessThan(i64),
}

impl Selector {
    /// Whether the labels are such.
    #[must_use]
    pub fn matches<'a>(&self, labels: impl IntoIterator<Item = (&'a String, &'a String)> + Clone) -> bool {
        self.requirements.iter().all(|requirement| {
            let found = labels.clone().into_iter().find(|(key, _)| **key == requirement.key).map(|(_, value)| value);
            requirement.test.holds(found)
        })
    }

    /// Whether it selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }
}

impl Test {
    fn holds(&self, found: Option<&String>) -> bool {
        let number = || found.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::Exists => found.is_some(),
            Self::Missing => found.is_none(),
            Self::In(values) => found.is_some_and(|found| values.contains(found)),
            Self::NotIn(values) => found.is_none_or(|found| !values.contains(found)),
            Self::GreaterThan(limit) => number().is_some_and(|number| number > *limit),
            Self::LessThan(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Selector {
    type Err = String;

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without a full stop.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text };
        let mut requirements = Vec::new();
        while reader.peek() != Token::End {
            requirements.push(reader.requirement()?);
            match reader.take() {
                Token::End => break,
                // Nothing may stand after the last comma.
                Token::Symbol(",") if reader.peek() != Token::End => {}
                Token::Symbol(",") => return Err("a label is missing after the last `,`".to_owned()),
                found => return Err(format!("`,` or the end is missing before {found}")),
            }
        }
        Ok(Self { requirements, text: text.trim().to_owned() })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Symbol(&'a str),
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Symbol(text) => write!(f, "`{text}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

/// The longest first.
const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", ",", "(", ")", "<", ">"];

impl<'a> Reader<'a> {
    fn take(&mut self) -> Token<'a> {
        let (token, rest) = self.next();
        self.rest = rest;
        token
    }

    fn peek(&self) -> Token<'a> {
        self.next().0
    }

    fn next(&self) -> (Token<'a>, &'a str) {
        let rest = self.rest.trim_start();
        if rest.is_empty() {
            return (Token::End, rest);
        }
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            return (Token::Symbol(symbol), &rest[symbol.len()..]);
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=!,()<>".contains(c)).unwrap_or(rest.len());
        (Token::Word(&rest[..end]), &rest[end..])
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let must_be_missing = self.peek() == Token::Symbol("!");
        if must_be_missing {
            self.take();
        }
        let key = match self.take() {
            Token::Word(key) => key,
            found => return Err(format!("the key of a label is missing before {found}")),
        };
        names::qualified_name(key).map_err(|why| format!("label key `{key}` {why}"))?;
        let test = if must_be_missing { Test::Missing } else { self.test()? };
        Ok(Requirement { key: key.to_owned(), test })
    }

    fn test(&mut self) -> Result<Test, String> {
        if matches!(self.peek(), Token::End | Token::Symbol(",")) {
            return Ok(Test::Exists);
        }
        match self.take() {
            Token::Symbol("=" | "==") => Ok(Test::In(vec![self.value()?])),
            Token::Symbol("!=") => Ok(Test::NotIn(vec![self.value()?])),
            Token::Symbol(">") => Ok(Test::GreaterThan(self.number(">")?)),
            Token::Symbol("<") => Ok(Test::LessThan(self.number("<")?)),
            Token::Word("in") => Ok(Test::In(self.values("in")?)),
            Token::Word("notin") => Ok(Test::NotIn(self.values("notin")?)),
            found => Err(format!("{found} is no operator: they are `=`, `!=`, `in`, `notin`, `<` and `>`")),
        }
    }

    /// A value, which may be empty: `a=,b=c`.
    fn value(&mut self) -> Result<String, String> {
        let value = match self.peek() {
            Token::Word(value) => {
                self.take();
                value
            }
            Token::End | Token::Symbol("," | ")") => "",
            found => return Err(format!("a value is missing before {found}")),
        };
        names::label_value(value).map_err(|why| format!("label value `{value}` {why}"))?;
        Ok(value.to_owned())
    }

    fn values(&mut self, operator: &str) -> Result<Vec<String>, String> {
        if self.take() != Token::Symbol("(") {
            return Err(format!("`{operator}` wants its values in parentheses: `{operator} (a, b)`"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value()?);
            match self.take() {
                Token::Symbol(",") => {}
                Token::Symbol(")") => return Ok(values),
                found => return Err(format!("`)` is missing before {found}")),
            }
        }
    }

    fn number(&mut self, operator: &str) -> Result<i64, String> {
        match self.take() {
            Token::Word(text) => text.parse().map_err(|_| format!("`{operator}` wants a whole number, not `{text}`")),
            found => Err(format!("`{operator}` wants a whole number, not {found}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::Selector;

    #[rstest]
    #[case("", true)]
    #[case("app=agent", true)]
    #[case("app == agent , tier!=b", true)]
    #[case("app=other", false)]
    #[case("app!=agent", false)]
    #[case("none!=x", true)]
    #[case("none", false)]
    #[case("!none", true)]
    #[case("!app", false)]
    #[case("example.com/team", true)]
    #[case("tier in (a, b),app", true)]
    #[case("tier in (b)", false)]
    #[case("tier notin (b),none notin (a)", true)]
    #[case("tier notin (a)", false)]
    #[case("empty=", true)]
    #[case("empty=,app=agent", true)]
    #[case("empty in (,x)", true)]
    #[case("number > 6", true)]
    #[case("number>7", false)]
    #[case("number<8", true)]
    #[case("app<8", false)]
    fn labels_match_as_they_do_for_kubectl(#[case] selector: &str, #[case] matches: bool) {
        let pairs = [("app", "agent"), ("tier", "a"), ("example.com/team", "x"), ("empty", ""), ("number", "7")];
        let labels: BTreeMap<String, String> = pairs.map(|(key, value)| (key.into(), value.into())).into();
        assert_eq!(selector.parse::<Selector>().unwrap().matches(&labels), matches);
    }

    fn wrong(text: &str) -> String {
        text.parse::<Selector>().unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_said() {
        insta::assert_snapshot!(wrong("app=a,"), @"a label is missing after the last `,`");
        insta::assert_snapshot!(wrong(",app=a"), @"the key of a label is missing before `,`");
        insta::assert_snapshot!(wrong("app=a b"), @"`,` or the end is missing before `b`");
        insta::assert_snapshot!(wrong("app in a"), @"`in` wants its values in parentheses: `in (a, b)`");
        insta::assert_snapshot!(wrong("app in (a"), @"`)` is missing before the end");
        insta::assert_snapshot!(wrong("app is a"), @"`is` is no operator: they are `=`, `!=`, `in`, `notin`, `<` and `>`");
        insta::assert_snapshot!(wrong("app=(a)"), @"a value is missing before `(`");
        insta::assert_snapshot!(wrong("app=a:b"), @"label value `a:b` may hold only letters, digits, `-`, `_` and `.`");
        insta::assert_snapshot!(wrong("a/b/c=d"), @"label key `a/b/c` may hold only letters, digits, `-`, `_` and `.`");
        insta::assert_snapshot!(wrong("app > many"), @"`>` wants a whole number, not `many`");
        insta::assert_snapshot!(wrong("!"), @"the key of a label is missing before the end");
    }

    #[test]
    fn it_is_shown_as_it_was_given() {
        assert_eq!(" app in (a, b) ".parse::<Selector>().unwrap().to_string(), "app in (a, b)");
        assert!(" ".parse::<Selector>().unwrap().is_empty());
    }
}

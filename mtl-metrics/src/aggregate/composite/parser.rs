//! From text to postfix operations by recursive descent, judging each part as it is put together.

use mtl_core::{
    Error, Result,
    metric::{Direction, MetricName},
    task::TaskName,
};

use super::{Function, Op, sense::Sense};
use crate::{aggregate::Normalizer, any::AnyMetric, set::MetricSet, value::OrReason};

/// How deep parentheses may nest: far beyond use, far below the stack.
const MAX_DEPTH: usize = 64;
/// The longest name of a metric that is looked for, in bytes.
const LONGEST_NAME: usize = 120;
/// The longest expression.
const MAX_OPS: usize = 10_000;

pub(super) fn parse(text: &str, metrics: &MetricSet) -> Result<(Vec<Op>, Direction)> {
    let mut parser = Parser { text, at: 0, depth: 0, ops: Vec::new(), metrics };
    let sense = parser.expr()?;
    parser.skip_blanks();
    if parser.at < text.len() {
        return Err(parser.error("expected an operator", parser.at));
    }
    let direction = sense.trend.direction().ok_or_else(|| parser.error("the expression depends on no metric", 0))?;
    Ok((parser.ops, direction))
}

struct Parser<'a> {
    text: &'a str,
    /// The next byte to be read.
    at: usize,
    depth: usize,
    ops: Vec<Op>,
    metrics: &'a MetricSet,
}

impl<'a> Parser<'a> {
    fn expr(&mut self) -> Result<Sense> {
        let mut left = self.term()?;
        while let Some((at, sign)) = self.one_of(&['+', '-']) {
            let right = self.term()?;
            left = if sign == '+' {
                self.push(Op::Add)?;
                self.judge(left.add(right), at)?
            } else {
                self.push(Op::Subtract)?;
                self.judge(left.add(right.negate()), at)?
            };
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Sense> {
        let mut left = self.unary()?;
        while let Some((at, sign)) = self.one_of(&['*', '/']) {
            let right = self.unary()?;
            left = if sign == '*' {
                self.push(Op::Multiply)?;
                self.judge(left.multiply(right), at)?
            } else {
                self.push(Op::Divide)?;
                self.judge(left.divide(right), at)?
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Sense> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested too deeply", self.at));
        }
        let sense = if self.one_of(&['-']).is_some() {
            let sense = self.unary()?.negate();
            self.push(Op::Negate)?;
            sense
        } else if self.one_of(&['(']).is_some() {
            let sense = self.expr()?;
            self.expect(')')?;
            sense
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(sense)
    }

    fn primary(&mut self) -> Result<Sense> {
        self.skip_blanks();
        let (at, rest) = (self.at, self.rest());
        match rest.chars().next() {
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() => {
                let word = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
                if rest[word.len()..].starts_with('.') {
                    return self.metric(word);
                }
                self.at += word.len();
                if self.one_of(&['(']).is_some() {
                    return self.call(word, at);
                }
                if let Some(joint) = self.metrics.joint().iter().find(|joint| joint.name() == word) {
                    self.push(Op::Joint(word.to_owned()))?;
                    return Ok(Sense::metric(word, joint.direction(), joint.range()));
                }
                Err(self.error(&format!("expected task.metric, found {word:?}"), at))
            }
            Some(c) => Err(self.error(&format!("expected a number, a metric or a function, found {c:?}"), at)),
            None => Err(self.error("the expression ends too early", at)),
        }
    }

    fn number(&mut self) -> Result<Sense> {
        let (at, rest) = (self.at, self.rest());
        let digits = |from: usize| rest[from..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| from + n);
        let mut end = digits(0);
        if rest[end..].starts_with('.') {
            end = digits(end + 1);
        }
        if rest[end..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
            let exponent = digits(end + 1 + sign);
            if exponent > end + 1 + sign {
                end = exponent;
            }
        }
        match rest[..end].parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.at += end;
                self.push(Op::Number(number))?;
                Ok(Sense::number(number))
            }
            _ => Err(self.error(&format!("{:?} is no finite number", &rest[..end]), at)),
        }
    }

    /// `word` is followed by a dot.
    fn metric(&mut self, word: &str) -> Result<Sense> {
        let at = self.at;
        let tasks: Vec<_> = self.metrics.iter().collect();
        let Some((task, computed)) = tasks.iter().find(|(task, _)| task.as_str() == word) else {
            let known: Vec<String> = tasks.iter().map(|(task, _)| task.to_string()).collect();
            let unknown = Error::UnknownTask { name: word.to_owned(), known };
            return Err(self.error(&unknown.to_string(), at));
        };
        self.at += word.len() + 1;
        let (len, metric) = self.metric_of(task, computed)?;
        self.at += len;
        self.push(Op::Metric { task: (*task).clone(), metric: metric.name().to_owned() })?;
        Ok(Sense::metric(&format!("{task}.{}", metric.name()), metric.direction(), metric.range()))
    }

    /// The metric with the longest name with which the text goes on, in any spelling, and how long that is: `accuracy-2` is a
    /// metric minus 2, `accuracy2` is no metric, `ece@bins=10` has its settings with it.
    fn metric_of<'m>(&self, task: &TaskName, computed: &'m [Box<dyn AnyMetric>]) -> Result<(usize, &'m dyn AnyMetric)> {
        let rest = self.rest();
        let longest = rest.find(|c| !is_metric(c)).unwrap_or(rest.len()).min(LONGEST_NAME);
        let ends = |len: usize| {
            rest.is_char_boundary(len)
                && !rest[len..].starts_with(|c: char| (is_name(c) && c != '-') || matches!(c, '.' | '=' | '@' | '%'))
        };
        let names = (1..=longest).rev().filter(|&len| ends(len)).filter_map(|len| {
            let spelled = MetricName::new(&rest[..len]).ok()?;
            // A user's metric may have been added to the set alone.
            let added = computed.iter().find(|metric| metric.name() == spelled.as_str()).map(|m| m.name().to_owned());
            Some((len, added.or_else(|| self.metrics.registry().written(&spelled))?))
        });
        let mut found = None;
        for (len, name) in names {
            if let Some(metric) = computed.iter().find(|metric| metric.name() == name) {
                return Ok((len, metric.as_ref()));
            }
            found.get_or_insert(&rest[..len]);
        }
        let found = found.unwrap_or_else(|| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())]);
        let known: Vec<&str> = computed.iter().map(|metric| metric.name()).collect();
        let message = format!("task {task} does not compute {found:?}, it computes {}", known.join(", "));
        Err(self.error(&message, self.at))
    }

    /// `word` stands at `at`, its opening parenthesis is read.
    fn call(&mut self, word: &str, at: usize) -> Result<Sense> {
        let mut args = Vec::new();
        let mut arg_ends = Vec::new();
        loop {
            args.push(self.expr()?);
            arg_ends.push(self.ops.len());
            if self.one_of(&[',']).is_none() {
                break;
            }
        }
        self.expect(')')?;
        if let Some(function) = Function::ALL.into_iter().find(|function| function.name() == word) {
            self.push(Op::Call { function, n_args: args.len() })?;
            return self.judge(Sense::call(function, args), at);
        }
        if word != "norm" {
            let known: Vec<&str> = Function::ALL.iter().map(|function| function.name()).collect();
            return Err(self.error(&format!("unknown function {word:?}, known are {}, norm", known.join(", ")), at));
        }
        let ([part, worst, best], [part_end, ..]) = (args.as_slice(), arg_ends.as_slice()) else {
            let example = "norm takes three arguments: x, worst, best, as norm(task.rmse, 10, 0)";
            return Err(self.error(example, at));
        };
        let (Some(worst), Some(best)) = (worst.constant(), best.constant()) else {
            return Err(self.error("worst and best of norm must be constant", at));
        };
        let normalizer = Normalizer::new(worst, best).map_err(|e| self.error(&e.to_string(), at))?;
        match part.trend.direction() {
            None => return Err(self.error("norm of a constant", at)),
            Some(direction) if direction == normalizer.direction() => {}
            Some(_) => return Err(self.error("worst and best of norm are the wrong way round for this metric", at)),
        }
        self.ops.truncate(*part_end); // the operations of the two constants
        self.push(Op::Normalize(normalizer))?;
        Ok(part.normalized())
    }

    fn push(&mut self, op: Op) -> Result<()> {
        if self.ops.len() >= MAX_OPS {
            return Err(self.error("the expression is too long", self.at));
        }
        self.ops.push(op);
        Ok(())
    }

    fn judge(&self, sense: OrReason<Sense>, at: usize) -> Result<Sense> {
        sense.map_err(|message| self.error(&message, at))
    }

    fn one_of(&mut self, symbols: &[char]) -> Option<(usize, char)> {
        self.skip_blanks();
        let symbol = self.rest().chars().next().filter(|c| symbols.contains(c))?;
        let at = self.at;
        self.at += symbol.len_utf8();
        Some((at, symbol))
    }

    fn expect(&mut self, symbol: char) -> Result<()> {
        match self.one_of(&[symbol]) {
            Some(_) => Ok(()),
            None => Err(self.error(&format!("expected {symbol:?}"), self.at)),
        }
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, message: &str, at: usize) -> Error {
        let column = self.text[..at].chars().count() + 1;
        Error::Parse { what: "composite metric", message: message.to_owned(), column, text: self.text.to_owned() }
    }
}

/// What task names are made of.
fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// What names of metrics with their settings are made of.
fn is_metric(c: char) -> bool {
    is_name(c) || matches!(c, '@' | '=' | '.' | ',' | '%' | '+')
}

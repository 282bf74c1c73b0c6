//! The reader proper.

use super::{JsonError, Kind, MAX_DEPTH, MAX_NODES, Node, Origin, Span, Tree};

/// Up to so many keys are compared pair by pair, more are sorted.
const PAIRWISE: usize = 12;

/// Reads the one value of `text` into `tree`.
pub(super) fn value(tree: &mut Tree, text: &str) -> Result<(), JsonError> {
    let mut reader = Reader { tree, text, at: 0, depth: 0 };
    reader.blanks();
    reader.value(Span::default())?;
    reader.blanks();
    match reader.peek() {
        None => Ok(()),
        Some(_) => Err(reader.error("there is more text after the value")),
    }
}

/// A place in the text.
pub(super) struct Reader<'t> {
    pub(super) tree: &'t mut Tree,
    pub(super) text: &'t str,
    pub(super) at: usize,
    depth: usize,
}

impl Reader<'_> {
    pub(super) fn error(&self, message: impl Into<String>) -> JsonError {
        JsonError { at: self.at, message: message.into() }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, message: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.error(message));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, key: Span) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.nested(key, Kind::Object),
            Some(b'[') => self.nested(key, Kind::Array),
            Some(b'"') => {
                let text = self.string()?;
                self.leaf(Kind::String, key, text)
            }
            Some(b'-' | b'0'..=b'9') => {
                let text = self.number()?;
                self.leaf(Kind::Number, key, text)
            }
            Some(_) => self.word(key),
            None => Err(self.error("the text ends where a value should be")),
        }
    }

    fn leaf(&mut self, kind: Kind, key: Span, text: Span) -> Result<(), JsonError> {
        self.open(kind, key, text).map(|_| ())
    }

    fn open(&mut self, kind: Kind, key: Span, text: Span) -> Result<usize, JsonError> {
        let index = self.tree.nodes.len();
        if index >= MAX_NODES {
            return Err(self.error(format!("it holds more than {MAX_NODES} values")));
        }
        self.tree.nodes.push(Node { kind, key, text, after: index + 1, flat: true });
        Ok(index)
    }

    fn nested(&mut self, key: Span, kind: Kind) -> Result<(), JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("it is nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let index = self.open(kind, key, Span::default())?;
        self.at += 1;
        let children = match kind {
            Kind::Object => self.members(index)?,
            _ => self.elements()?,
        };
        let after = self.tree.nodes.len();
        if let Some(node) = self.tree.nodes.get_mut(index) {
            node.after = after;
            node.flat = after - index - 1 == children;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads the members of an object, and says how many there are.
    fn members(&mut self, index: usize) -> Result<usize, JsonError> {
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(0);
        }
        for count in 1.. {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in quotes is expected"));
            }
            let key = self.string()?;
            self.blanks();
            self.expect(b':', "`:` is expected after the key")?;
            self.blanks();
            self.value(key)?;
            self.blanks();
            if self.peek() == Some(b'}') {
                self.at += 1;
                return self.refuse_repeated_key(index).map(|()| count);
            }
            self.expect(b',', "`,` or `}` is expected after the value")?;
        }
        Ok(0)
    }

    /// Reads the elements of an array, and says how many there are.
    fn elements(&mut self) -> Result<usize, JsonError> {
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(0);
        }
        for count in 1.. {
            self.blanks();
            self.value(Span::default())?;
            self.blanks();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(count);
            }
            self.expect(b',', "`,` or `]` is expected after the value")?;
        }
        Ok(0)
    }

    fn word(&mut self, key: Span) -> Result<(), JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, kind) in [("null", Kind::Null), ("true", Kind::True), ("false", Kind::False)] {
            if rest.starts_with(word) {
                let text = Span { start: self.at, end: self.at + word.len(), origin: Origin::Record };
                self.at = text.end;
                return self.leaf(kind, key, text);
            }
        }
        match ["NaN", "Infinity", "nan", "inf"].into_iter().find(|word| rest.starts_with(word)) {
            Some(word) => Err(self.error(format!("{word} is no number"))),
            None => Err(self.error("a value is expected")),
        }
    }

    fn number(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.peek();
        let whole = self.digits()?;
        if first == Some(b'0') && whole > 1 {
            return Err(self.error("a number does not begin with 0"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Span { start, end: self.at, origin: Origin::Record })
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        match self.at - start {
            0 => Err(self.error("a digit is expected: this is no number")),
            digits => Ok(digits),
        }
    }

    /// Few keys are compared with each other; many are sorted, so that no record takes quadratic time.
    fn refuse_repeated_key(&mut self, index: usize) -> Result<(), JsonError> {
        let mut keys = std::mem::take(&mut self.tree.keys);
        keys.clear();
        let mut child = index + 1;
        while let Some(node) = self.tree.nodes.get(child) {
            keys.push(node.key);
            child = node.after;
        }
        let repeated = self.repeated(&mut keys).map(str::to_owned);
        self.tree.keys = keys;
        match repeated {
            Some(key) => Err(self.error(format!("the key `{key}` stands twice in one object"))),
            None => Ok(()),
        }
    }

    fn repeated(&self, keys: &mut [Span]) -> Option<&str> {
        if keys.len() <= PAIRWISE {
            let later = |i: usize| keys.get(i + 1..).unwrap_or_default();
            let mut texts = keys.iter().enumerate();
            let found = texts.find(|(i, key)| later(*i).iter().any(|other| self.same(**key, *other)));
            return found.map(|(_, key)| self.key(*key));
        }
        keys.sort_unstable_by(|a, b| self.key(*a).cmp(self.key(*b)));
        let pair = keys.windows(2).find(|pair| matches!(pair, [a, b] if self.same(*a, *b)));
        pair.and_then(|pair| pair.first()).map(|key| self.key(*key))
    }

    fn same(&self, a: Span, b: Span) -> bool {
        a.end - a.start == b.end - b.start && self.key(a) == self.key(b)
    }

    fn key(&self, span: Span) -> &str {
        let text = if span.origin == Origin::Unescaped { self.tree.unescaped.as_str() } else { self.text };
        text.get(span.start..span.end).unwrap_or_default()
    }
}

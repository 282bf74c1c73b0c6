//! Values of other formats than JSON, laid out as JSON is, so that fields find them alike.

use super::{Kind, MAX_NODES, Node, Origin, Span, Tree};

/// Adds values to a tree, those of an object or a list between its opening and its closing.
pub(crate) struct Builder<'t> {
    tree: &'t mut Tree,
    text: &'t str,
    /// The objects and lists that are open: where they begin and how many values they hold.
    open: Vec<(usize, usize)>,
}

impl<'t> Builder<'t> {
    pub(super) fn new(tree: &'t mut Tree, text: &'t str) -> Self {
        tree.single_is_list = false;
        Self { tree, text, open: Vec::new() }
    }

    /// From here on a single value stands for a list of one.
    pub(crate) fn single_is_list(&mut self) {
        self.tree.single_is_list = true;
    }

    /// A stretch of the record's text.
    pub(crate) fn stretch(&self, start: usize, end: usize) -> Span {
        Span { start, end, origin: Origin::Record }
    }

    /// A text that is kept.
    pub(crate) fn keep(&mut self, text: &str) -> Span {
        let start = self.tree.unescaped.len();
        self.tree.unescaped.push_str(text);
        Span { start, end: self.tree.unescaped.len(), origin: Origin::Unescaped }
    }

    /// Opens an object, a list, or a text with attributes.
    ///
    /// # Errors
    /// In words, where the record holds too many values.
    pub(crate) fn open(&mut self, kind: Kind, key: Span, text: Span) -> Result<(), String> {
        let index = self.push(kind, key, text)?;
        self.open.push((index, 0));
        Ok(())
    }

    /// Adds a single value.
    ///
    /// # Errors
    /// In words, where the record holds too many values.
    pub(crate) fn leaf(&mut self, kind: Kind, key: Span, text: Span) -> Result<(), String> {
        self.push(kind, key, text).map(|_| ())
    }

    fn push(&mut self, kind: Kind, key: Span, text: Span) -> Result<usize, String> {
        let index = self.tree.nodes.len();
        if index >= MAX_NODES {
            return Err(format!("it holds more than {MAX_NODES} values"));
        }
        if let Some((_, held)) = self.open.last_mut() {
            *held += 1;
        }
        self.tree.nodes.push(Node { kind, key, text, after: index + 1, flat: true });
        Ok(index)
    }

    /// Closes what was opened last.
    pub(crate) fn close(&mut self) {
        let after = self.tree.nodes.len();
        let Some((index, held)) = self.open.pop() else { return };
        if let Some(node) = self.tree.nodes.get_mut(index) {
            node.after = after;
            node.flat = after - index - 1 == held;
        }
    }

    /// Refuses a key that stands twice in the object that was opened last.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn refuse_repeated(&self) -> Result<(), String> {
        let Some((index, _)) = self.open.last() else { return Ok(()) };
        let mut keys = Vec::new();
        let mut child = index + 1;
        while let Some(node) = self.tree.nodes.get(child) {
            keys.push(self.show(node.key));
            child = node.after;
        }
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
            Some(key) => Err(format!("the key `{key}` stands twice")),
            None => Ok(()),
        }
    }

    fn show(&self, span: Span) -> &str {
        let text = if span.origin == Origin::Unescaped { self.tree.unescaped.as_str() } else { self.text };
        text.get(span.start..span.end).unwrap_or_default()
    }
}

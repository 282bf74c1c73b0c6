//! Text from data, made fit to be placed.
//!
//! A name from a usage file is hostile until it has passed here: PDF/A forbids missing glyphs, overrides
//! of the writing direction can make `exe.gpj` read as a picture, and a name of 200 characters without a
//! space runs off the page.

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use crate::fonts;

/// Printed for what no embedded font draws.
const MISSING: &str = "□";

/// Where a line may break, invisible and without width.
const SOFT_BREAK: char = '\u{200B}';

/// The longest run without a space that is left as it is.
const LONGEST_RUN: usize = 18;

/// Text that the embedded fonts can draw and that fits a column; the only text that reaches the template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Text(String);

impl Text {
    /// Cleans text for a column of usual width.
    pub fn new(raw: &str) -> Self {
        Self::within(raw, LONGEST_RUN)
    }

    /// Cleans text; runs longer than `longest` visible characters may break.
    pub fn within(raw: &str, longest: usize) -> Self {
        Self(soften(&clean(raw), longest))
    }

    /// The text that is placed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Several pieces of text at once.
pub fn all<S: AsRef<str>>(raw: impl IntoIterator<Item = S>) -> Vec<Text> {
    raw.into_iter().map(|piece| Text::new(piece.as_ref())).collect()
}

/// How many characters a reader would count.
pub fn visible_length(text: &str) -> usize {
    text.graphemes(true).count()
}

fn clean(raw: &str) -> String {
    let visible: String = raw.chars().filter_map(printable).collect();
    let drawn: String = visible.graphemes(true).map(drawable).collect();
    drawn.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The character, a space for white space, nothing for what is not meant to be seen.
fn printable(character: char) -> Option<char> {
    match character {
        '\u{A0}' | '\u{202F}' | '\u{2007}' => Some('\u{A0}'),
        _ if character.is_whitespace() => Some(' '),
        _ if character.is_control() || is_invisible(character) => None,
        _ => Some(character),
    }
}

/// Marks of writing direction (they allow spoofed text), soft hyphens, variation selectors, tags. The joiners
/// U+200C and U+200D are spelling in Persian and Hindi.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}')
}

fn drawable(cluster: &str) -> &str {
    if cluster.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return cluster;
    }
    let private = cluster.chars().any(|c| matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}'));
    if !private && fonts::draw(cluster) { cluster } else { MISSING }
}

fn soften(text: &str, longest: usize) -> String {
    let words: Vec<String> = text.split(' ').map(|word| soften_word(word, longest)).collect();
    words.join(" ")
}

fn soften_word(word: &str, longest: usize) -> String {
    if visible_length(word) <= longest {
        return word.to_owned();
    }
    let mut soft = String::new();
    let mut run = 0;
    for cluster in word.graphemes(true) {
        soft.push_str(cluster);
        run += 1;
        if run >= longest || cluster.ends_with(['/', ':', '-', '_', '.', ',', '@', '=', '&', '?']) {
            soft.push(SOFT_BREAK);
            run = 0;
        }
    }
    soft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_passes_unchanged() {
        for text in [
            "Aurora Robotics GmbH",
            "Łódź – 7 %",
            "Ελλάδα · Україна",
            "€12.30 → “ok”",
            "فاتورة",
            "東京（株）",
            "서울",
            "",
        ] {
            assert_eq!(Text::new(text).as_str(), text);
        }
    }

    #[test]
    fn controls_and_direction_overrides_are_dropped() {
        let cases = [
            ("bell\u{7}", "bell"),
            ("exe.\u{202E}gpj\u{202C}", "exe.gpj"),
            ("\u{2066}a\u{2069}", "a"),
            ("one\ntwo\tthree", "one two three"),
            ("soft\u{AD}hyphen", "softhyphen"),
        ];
        for (raw, clean) in cases {
            assert_eq!(Text::new(raw).as_str(), clean, "{raw:?}");
        }
    }

    #[test]
    fn what_no_font_draws_becomes_one_box() {
        let cases = [("🚀 pad", "□ pad"), ("👩‍👩‍👧", "□"), ("\u{E000}", "□"), ("ⵣ", "□"), ("ᚠᚢᚦ", "□□□")];
        for (raw, clean) in cases {
            assert_eq!(Text::new(raw).as_str(), clean, "{raw:?}");
        }
    }

    #[test]
    fn long_runs_may_break_and_short_ones_may_not() {
        assert_eq!(Text::within("eu-central/rack-7", 8).as_str(), "eu-\u{200B}central/\u{200B}rack-\u{200B}7");
        assert_eq!(Text::within("abcdefghij", 4).as_str(), "abcd\u{200B}efgh\u{200B}ij");
        assert_eq!(Text::new("INV-2026-000417").as_str(), "INV-2026-000417");
    }
}

//! The fonts in the binary and what they can draw.
//!
//! Inter for everything it covers (Latin, Greek, Cyrillic), Noto Sans for eight more scripts, Droid Sans Fallback
//! for Chinese, Japanese and Korean. Nothing is taken from the machine, so a page looks the same everywhere.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::text::Font;

const FILES: [&[u8]; 11] = [
    include_bytes!("../fonts/Inter-Regular.otf"),
    include_bytes!("../fonts/Inter-SemiBold.otf"),
    include_bytes!("../fonts/NotoSansArabic-Regular.ttf"),
    include_bytes!("../fonts/NotoSansHebrew-Regular.ttf"),
    include_bytes!("../fonts/NotoSansDevanagari-Regular.ttf"),
    include_bytes!("../fonts/NotoSansBengali-Regular.ttf"),
    include_bytes!("../fonts/NotoSansTamil-Regular.ttf"),
    include_bytes!("../fonts/NotoSansThai-Regular.ttf"),
    include_bytes!("../fonts/NotoSansArmenian-Regular.ttf"),
    include_bytes!("../fonts/NotoSansGeorgian-Regular.ttf"),
    include_bytes!("../fonts/DroidSansFallback.ttf"),
];

static FONTS: LazyLock<Vec<Font>> =
    LazyLock::new(|| FILES.iter().filter_map(|file| Font::new(Bytes::new(*file), 0)).collect());

/// All fonts, in the order in which they are tried.
pub fn all() -> &'static [Font] {
    &FONTS
}

/// The families, in the order in which they are tried.
pub fn families() -> Vec<String> {
    let mut families: Vec<String> = FONTS.iter().map(|font| font.info().family.clone()).collect();
    families.dedup();
    families
}

/// Whether one single family draws the whole cluster, in each of its weights.
///
/// A mark that stands in another font than its base would be drawn as a missing glyph, which PDF/A forbids.
pub fn draw(cluster: &str) -> bool {
    FONTS
        .chunk_by(|left, right| left.info().family == right.info().family)
        .any(|family| family.iter().all(|font| covers(font, cluster)))
}

fn covers(font: &Font, cluster: &str) -> bool {
    cluster.chars().all(|character| font.info().coverage.contains(u32::from(character)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_is_a_font() {
        assert_eq!(all().len(), FILES.len());
    }

    #[test]
    fn the_first_family_is_inter() {
        assert_eq!(families().first().map(String::as_str), Some("Inter"));
        assert_eq!(families().len(), 10);
    }

    #[test]
    fn the_stand_in_for_missing_characters_can_be_drawn() {
        assert!(draw("□"));
    }

    #[test]
    fn scripts_of_customers_can_be_drawn() {
        for word in [
            "Zażółć",
            "Ελλάδα",
            "Україна",
            "فاتورة",
            "חשבונית",
            "चालान",
            "চালান",
            "விலைப்பட்டியல்",
            "ใบแจ้งหนี้",
            "հաշիվ",
            "ინვოისი",
            "請求書",
            "发票",
            "株式会社テスト",
            "청구서",
        ] {
            assert!(word.chars().all(|c| draw(&c.to_string())), "{word}");
        }
    }
}

//! The tokens keep their promises in both themes (U-6): contrast, and states that colour-blind eyes tell apart.

use std::collections::HashMap;

type Rgb = [f64; 3];

/// The colours of `tokens.css`: light ones from the first block, dark ones from the two blocks that have to agree.
fn themes() -> (HashMap<String, Rgb>, HashMap<String, Rgb>) {
    let css = std::fs::read_to_string("static/css/tokens.css").unwrap();
    let (light, rest) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let (automatic, chosen) = rest.split_once(":root[data-theme=\"dark\"]").unwrap();
    let mut dark = colours(light);
    dark.extend(colours(automatic));
    assert_eq!(colours(automatic), colours(chosen), "the two dark blocks differ");
    (colours(light), dark)
}

fn colours(css: &str) -> HashMap<String, Rgb> {
    css.split("--")
        .skip(1)
        .filter_map(|declaration| {
            let (name, rest) = declaration.split_once(": #")?;
            let hex = rest.get(..6)?;
            let channel =
                |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).map(|value| f64::from(value) / 255.0);
            Some((name.to_owned(), [channel(0).ok()?, channel(2).ok()?, channel(4).ok()?]))
        })
        .collect()
}

fn linear(channel: f64) -> f64 {
    if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

fn luminance(colour: Rgb) -> f64 {
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn texts_and_shapes_have_contrast_in_both_themes() {
    let (light, dark) = themes();
    for (theme, colour) in [("light", &light), ("dark", &dark)] {
        let check = |front: &str, back: &str, least: f64| {
            let ratio = contrast(colour[front], colour[back]);
            assert!(ratio >= least, "{theme}: {front} on {back} is {ratio:.2}, not {least}");
        };
        for back in ["bg", "surface"] {
            for text in ["text", "text-2", "text-3", "accent", "accent-strong"] {
                check(text, back, 4.5);
            }
            for state in ["ok", "degraded", "partial", "major", "maint", "nodata"] {
                check(&format!("{state}-text"), back, 4.5);
                // Days without data are drawn on the page's own ground only.
                if (state, back) != ("nodata", "surface") {
                    check(state, back, 3.0);
                }
            }
            check("control", back, 3.0);
            check("focus", back, 3.0);
        }
        for state in ["ok", "degraded", "partial", "major", "maint", "nodata"] {
            check(&format!("{state}-text"), &format!("{state}-tint"), 4.5);
            check("text", &format!("{state}-tint"), 4.5);
        }
        check("on-ink", "ink", 4.5);
        check("on-ink", "text-2", 4.5);
    }
}

/// Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
const PROTAN: [Rgb; 3] = [
    [0.152_286, 1.052_583, -0.204_868],
    [0.114_503, 0.786_281, 0.099_216],
    [-0.003_882, -0.048_116, 1.051_998],
];
const DEUTAN: [Rgb; 3] = [
    [0.367_322, 0.860_646, -0.227_968],
    [0.280_085, 0.672_501, 0.047_413],
    [-0.011_820, 0.042_940, 0.968_881],
];
const TRITAN: [Rgb; 3] = [
    [1.255_528, -0.076_749, -0.178_779],
    [-0.078_411, 0.930_809, 0.147_602],
    [0.004_733, 0.691_367, 0.303_900],
];
const NORMAL: [Rgb; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

fn times(matrix: [Rgb; 3], vector: Rgb) -> Rgb {
    matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2])
}

fn oklab(linear: Rgb) -> Rgb {
    let cone = times(
        [
            [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
            [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
            [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
        ],
        linear,
    );
    times(
        [
            [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
            [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
            [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
        ],
        cone.map(f64::cbrt),
    )
}

#[test]
fn the_five_states_differ_for_colour_blind_eyes() {
    let (light, dark) = themes();
    let states = ["ok", "degraded", "partial", "major", "maint"];
    for (theme, colour) in [("light", light), ("dark", dark)] {
        for (eyes, matrix) in [("normal", NORMAL), ("protan", PROTAN), ("deutan", DEUTAN), ("tritan", TRITAN)]
        {
            let seen = |state: &str| {
                oklab(times(matrix, colour[state].map(linear)).map(|value| value.clamp(0.0, 1.0)))
            };
            for (index, one) in states.iter().enumerate() {
                for other in &states[index + 1..] {
                    let (one_lab, other_lab) = (seen(one), seen(other));
                    let distance =
                        (0..3).map(|at| (one_lab[at] - other_lab[at]).powi(2)).sum::<f64>().sqrt() * 100.0;
                    assert!(distance >= 10.0, "{theme}, {eyes}: {one} and {other} are {distance:.1} apart");
                }
            }
        }
    }
}

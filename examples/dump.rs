use sigmatag::ruleset::{RuleSet, tables::*};
fn main() {
    let bytes = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let want = std::env::args().nth(2);
    let rs = RuleSet::from_bytes(&bytes).unwrap();
    let t = rs.tables();
    for (f, ix) in t.indexes.iter().enumerate() {
        let name = if f < t.fields.len() {
            rs.field_name(f as u32).to_string()
        } else {
            "<keywords>".into()
        };
        let c = |tab: Table| tab.of(&t.slots).iter().filter(|s| !s.is_empty()).count();
        let (a, g, s, o) =
            (c(ix.anchored), c(ix.ascii.grams), c(ix.ascii.shorts), c(ix.other.grams));
        if a + g + s + o > 0 {
            println!(
                "field {f} {name}: anchored {a} exact {:x} prefix {:x} suffix {:x} grams {g} stride {} shorts {s} other {o} numbers {}",
                ix.exact_lengths, ix.prefix_lengths, ix.suffix_lengths, ix.ascii.stride, ix.numbers
            );
        }
    }
    let show = |p: u32| {
        let q = &t.predicates[p as usize];
        let n = match q.kind {
            0..=3 => {
                String::from_utf8_lossy(&t.needles[q.a as usize..(q.a + q.b) as usize]).into_owned()
            }
            _ => format!("a={} b={}", q.a, q.b),
        };
        let f = if (q.field as usize) < t.fields.len() { rs.field_name(q.field) } else { "kw" };
        format!("p{p} {f} kind {} {n:?}", q.kind)
    };
    for (r, rule) in t.rules.iter().enumerate() {
        let info = rs.rule(r as u32).unwrap();
        if let Some(w) = &want {
            if !info.title.contains(w.as_str()) {
                continue;
            }
        }
        println!("rule {r} {}", info.title);
        let mut pend = vec![rule.program];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(at) = pend.pop() {
            if at as usize >= t.program.len() || !seen.insert(at) {
                continue;
            }
            let s = &t.program[at as usize];
            pend.push(s.yes);
            pend.push(s.no);
        }
        for at in seen {
            let s = &t.program[at as usize];
            let what = match s.op {
                op::INDEXED => format!("INDEXED {}", show(s.a)),
                op::LAZY => format!("LAZY {}", show(s.a)),
                op::GROUP => {
                    let m: Vec<_> = (0..t.predicates.len() as u32)
                        .filter(|p| t.linked(*p).0.contains(&s.a))
                        .collect();
                    format!(
                        "GROUP {} of {}: {}",
                        s.a,
                        m.len(),
                        m.iter().take(3).map(|p| show(*p)).collect::<Vec<_>>().join(" | ")
                    )
                }
                o => format!("op{o} {}", s.a),
            };
            println!("  {at}: {what}  yes {} no {}", s.yes as i32, s.no as i32);
        }
        let w: Vec<_> = (0..t.predicates.len() as u32)
            .filter(|p| t.linked(*p).1.contains(&(r as u32)))
            .collect();
        println!(
            "  pivots {}: {}",
            w.len(),
            w.iter().take(12).map(|p| show(*p)).collect::<Vec<_>>().join(" | ")
        );
    }
}

use super::*;

fn records(bytes: &[u8], format: InputFormat, limit: usize) -> (Vec<String>, Vec<u64>) {
    let input = Box::new(io::Cursor::new(bytes.to_vec()));
    let detected = detect::detect(input, format, false).expect("readable");
    let mut records = Records::new(detected, format, limit);
    let (mut found, mut numbers) = (Vec::new(), Vec::new());
    let mut part = String::new();
    while !records.is_done() {
        records.fill().expect("memory");
        while let Some(item) = records.buffered() {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
            match item {
                Item::Record { bytes, .. } => {
                    found.push(text(bytes));
                    numbers.push(records.number);
                }
                Item::Part { bytes, .. } => part += &text(bytes),
                _ => {}
            }
        }
    }
    if !part.is_empty() {
        found.push(part);
    }
    (found, numbers)
}

#[test]
fn text_and_json_in_one_file() {
    let text = b"\xEF\xBB\xBFstarted\r\n\r\n{\"a\":1}\r\n{\"a\":\n";
    let (found, numbers) = records(text, InputFormat::Auto, 1000);
    assert_eq!(found, [r#"{"log":"started"}"#, "{\"a\":1}\r", r#"{"log":"{\"a\":"}"#]);
    assert_eq!(numbers, [1, 3, 4]);
    let (found, _) = records(b"{\"a\":1}", InputFormat::Lines, 1000);
    assert_eq!(found, [r#"{"log":"{\"a\":1}"}"#]);
}

#[test]
fn a_long_line_of_text_is_one_record() {
    let line = "é".repeat(2 << 20);
    for end in ["", "\n"] {
        let (found, _) = records(format!("{line}{end}").as_bytes(), InputFormat::Lines, 100);
        assert_eq!(found, [format!("{{\"log\":\"{line}\"}}\n")]);
    }
}

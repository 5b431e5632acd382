//! Instructions of hostile events: exact, where time also depends on caches and on other processes.

use super::Growth;
use super::constructions::Construction;
use crate::context::{Context, Rules};
use crate::events::Events;
use crate::sections::profile::{callgrind, own};
use sigmatag::engine::Format;

/// Sizes that are counted.
const SIZES: [usize; 3] = [16 << 10, 32 << 10, 64 << 10];

/// Adds what constructions cost to their growths.
pub fn count(
    context: &Context,
    rules: &Rules,
    constructions: &[Construction],
    growths: &mut [Growth],
) -> Result<(), String> {
    for format in [Format::Json, Format::Msgpack] {
        let mut events = Events::new(format, []);
        let of_format = |construction: &Construction| construction.format == format;
        for construction in constructions.iter().filter(|all| of_format(all)) {
            SIZES.iter().for_each(|&size| events.push(&construction.event(size)));
        }
        if events.len() == 0 {
            continue;
        }
        let mut command = own(context, rules, "none", &events)?;
        command.arg("each");
        let out = context.work.join("callgrind.hostile");
        let (outer, inner) = ("profiled_record", "counted_record");
        let counts = callgrind::by_call(&command, outer, inner, events.len(), &out)?;
        let bytes = events.iter().map(|event| event.data.len() as f64);
        let points: Vec<(f64, f64)> = bytes.zip(counts).collect();
        let growths = constructions.iter().zip(&mut *growths);
        let growths = growths.filter(|(construction, _)| of_format(construction));
        for ((_, growth), points) in growths.zip(points.chunks(SIZES.len())) {
            growth.counted = points.to_vec();
        }
    }
    Ok(())
}

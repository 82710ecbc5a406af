//! Figures as people read them: sizes, times, shares. Programs get the numbers, by `--json`.

/// A size: `7 B`, `1.4 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of a unit, rounded once.
    let tenths = |unit: u32| {
        let bytes_each = 1_u128 << (10 * (unit + 1));
        (u128::from(bytes) * 10 + bytes_each / 2) / bytes_each
    };
    let mut unit = 0;
    while tenths(unit) >= 10_240 && unit + 1 < 4 {
        unit += 1;
    }
    let (tenths, unit) = (tenths(unit), UNITS[unit as usize]);
    match tenths {
        1000.. => format!("{} {unit}", tenths / 10),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

/// A time in its two largest units: `45s`, `3m 20s`, `2h 5m`, `3d 4h`.
pub(super) fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => two(minutes, "m", seconds % 60, "s"),
        (0, _, _) => two(hours, "h", minutes % 60, "m"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

fn two(first: u64, first_unit: &str, second: u64, second_unit: &str) -> String {
    match second {
        0 => format!("{first}{first_unit}"),
        _ => format!("{first}{first_unit} {second}{second_unit}"),
    }
}

/// A share in whole per cent, or `-` of nothing.
pub(super) fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        _ => format!("{} %", u128::from(part) * 100 / u128::from(whole)),
    }
}

/// A number with its noun: `1 entry`, `2 entries`.
pub(super) fn count(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        let sizes = [0, 1023, 1024, 1_468_006, 200 << 20, 5 << 40].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.4 MiB", "200 MiB", "5.0 TiB"]);
        let times = [0, 59, 60, 200, 7500, 3600, 273_600].map(time);
        assert_eq!(times, ["0s", "59s", "1m", "3m 20s", "2h 5m", "1h", "3d 4h"]);
        assert_eq!([share(1, 3), share(0, 0)], ["33 %", "-"]);
    }
}

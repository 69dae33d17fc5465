//! Files beside an image: which image they are of, as their header says.

/// What the last column of the header begins with: behind it stands the CRC-32 of the image that a file is of.
pub(super) const IMAGE: &str = "image ";

/// The CRC-32 of the image that a file beside it says it is of.
pub(super) fn image_of(bytes: &[u8]) -> Option<u32> {
    let header = bytes.split(|byte| *byte == b'\n').next()?;
    let mut cells = std::str::from_utf8(header).ok()?.trim_end().split(',');
    let image = cells.find_map(|cell| cell.trim_matches('"').strip_prefix(IMAGE))?;
    u32::from_str_radix(image, 16).ok()
}

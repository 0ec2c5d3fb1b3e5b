//! CRC-32C (Castagnoli), and the masked form that TFRecord files carry.
//!
//! ```text
//! polynomial 0x1EDC6F41, reflected 0x82F63B78; start and final xor 0xFFFFFFFF
//! masked     rotate_right(crc, 15) + 0xA282EAD8   (mod 2^32)
//! ```
//! The mask keeps a checksum of data that holds checksums from being a fixed point.
//!
//! **Reference** RFC 3720, appendix B.4 (test vectors); the TFRecord format of TensorFlow's guide.

const REFLECTED: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    loop {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ REFLECTED } else { crc >> 1 };
            bit += 1;
        }
        table[byte as usize] = crc;
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    table
};

/// The checksum of some bytes.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        TABLE[usize::from(low ^ byte)] ^ (crc >> 8)
    })
}

/// The checksum as it stands in a TFRecord file.
pub(super) fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_the_standard() {
        assert_eq!(crc32c(b""), 0);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), 0x46dd_794e);
    }

    #[test]
    fn the_mask_by_hand() {
        assert_eq!(masked(b""), 0xa282_ead8);
        // e3069283 turned right by 15 bits is 2507c60d; plus the constant, without carry out.
        assert_eq!(masked(b"123456789"), 0x2507_c60d + 0xa282_ead8);
    }
}

//! Captures as they come, and those of several devices in one file.
//!
//! What is read is what tcpdump writes, of one device (pcap-savefile(5)); what is written is pcapng, which names the device of every
//! packet (draft-ietf-opsawg-pcapng).

use pcap_parser::nom::Err as Stop;
use pcap_parser::pcap::{parse_pcap_frame, parse_pcap_header};

/// Ethernet, as both formats number it.
const ETHERNET: u16 = 1;
/// The header of a file of pcap.
const HEADER: usize = 24;
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
/// The number of the option with an interface's name.
const IF_NAME: u16 = 2;

/// What is read of a device.
#[derive(Debug, Default)]
pub struct Reader {
    rest: Vec<u8>,
    begun: bool,
}

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When, in microseconds since the epoch, by the clock of who captured it.
    pub at: u64,
    /// How many bytes it had.
    pub length: u32,
    /// Those of them that were captured.
    pub data: Vec<u8>,
}

impl Reader {
    /// The packets that are whole with these bytes.
    ///
    /// # Errors
    /// How the bytes are none of pcap.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, String> {
        self.rest.extend_from_slice(bytes);
        let mut rest = self.rest.as_slice();
        if !self.begun {
            if rest.len() < HEADER {
                return Ok(Vec::new());
            }
            let (behind, header) = parse_pcap_header(rest).map_err(|_| "no header of pcap".to_owned())?;
            if header.is_bigendian() || header.is_nanosecond_precision() {
                return Err("pcap of another kind than tcpdump writes here".to_owned());
            }
            (rest, self.begun) = (behind, true);
        }
        let mut frames = Vec::new();
        loop {
            match parse_pcap_frame(rest) {
                Ok((behind, frame)) => {
                    let at = u64::from(frame.ts_sec) * 1_000_000 + u64::from(frame.ts_usec);
                    frames.push(Frame { at, length: frame.origlen, data: frame.data.to_vec() });
                    rest = behind;
                }
                Err(Stop::Incomplete(_)) => break,
                Err(_) => return Err("a packet that is none of pcap".to_owned()),
            }
        }
        self.rest = rest.to_vec();
        Ok(frames)
    }

    /// Whether the capture has begun.
    pub fn has_begun(&self) -> bool {
        self.begun
    }
}

/// What the file begins with: the devices, by their names.
pub fn head(devices: &[String]) -> Vec<u8> {
    // The order of bytes, version 1.0, and a length that is not said.
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &1_u16.to_le_bytes(), &[0; 2], &[0xff; 8]].concat();
    let mut head = block(SECTION, &section);
    for device in devices {
        let name = u16::try_from(device.len()).unwrap_or_default();
        let mut interface = [ETHERNET.to_le_bytes(), [0; 2]].concat();
        interface.extend(0_u32.to_le_bytes());
        interface.extend([IF_NAME.to_le_bytes(), name.to_le_bytes()].concat());
        interface.extend(padded(device.as_bytes()));
        // No more options.
        interface.extend([0; 4]);
        head.extend(block(INTERFACE, &interface));
    }
    head
}

/// A packet of the device of this number, counted from 0.
pub fn packet(device: usize, frame: &Frame) -> Vec<u8> {
    let captured = u32::try_from(frame.data.len()).unwrap_or_default();
    let (high, low) = ((frame.at >> 32) as u32, frame.at as u32);
    let numbers = [u32::try_from(device).unwrap_or_default(), high, low, captured, frame.length];
    let mut body: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    body.extend(padded(&frame.data));
    block(PACKET, &body)
}

/// A block: its type, its length, what is in it, and its length again.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 12).unwrap_or_default().to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

/// Bytes to a whole number of four.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use pcap_parser::{Block, PcapNGOption, PcapNGSlice};

    use super::*;

    /// Two packets as tcpdump writes them.
    fn captured() -> Vec<u8> {
        let mut file: Vec<u8> =
            [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 192, 1].iter().flat_map(|it| it.to_le_bytes()).collect();
        for (micros, data) in [(5_u32, &b"first"[..]), (6, b"the second")] {
            let length = data.len() as u32;
            file.extend([1_700_000_000, micros, length, length + 9].iter().flat_map(|it: &u32| it.to_le_bytes()));
            file.extend(data);
        }
        file
    }

    #[test]
    fn packets_are_read_however_the_bytes_come() {
        let whole = Reader::default().push(&captured()).expect("a capture");
        let [first, second] = &whole[..] else { panic!("two packets, not {whole:?}") };
        assert_eq!((first.at, first.length, first.data.as_slice()), (1_700_000_000_000_005, 14, &b"first"[..]));
        assert_eq!(second.data, b"the second");
        let mut reader = Reader::default();
        assert!(!reader.has_begun());
        let one_by_one =
            captured().iter().flat_map(|byte| reader.push(&[*byte]).expect("a capture")).collect::<Vec<_>>();
        assert_eq!(one_by_one, whole);
        assert!(reader.has_begun());
        assert!(Reader::default().push(&[b'x'; 24]).is_err());
    }

    #[test]
    fn one_file_has_the_packets_of_all_devices_by_their_names() {
        let frames = Reader::default().push(&captured()).expect("a capture");
        let mut file = head(&["m-1 eth0".to_owned(), "m-22 eth1".to_owned()]);
        file.extend(packet(1, &frames[0]));
        file.extend(packet(0, &frames[1]));
        let slice = PcapNGSlice::from_slice(&file).expect("a file of pcapng");
        let (mut names, mut packets) = (Vec::new(), Vec::new());
        for block in slice {
            match block.expect("a block") {
                pcap_parser::PcapBlockOwned::NG(Block::InterfaceDescription(device)) => {
                    let name = |option: &PcapNGOption<'_>| {
                        String::from_utf8_lossy(&option.value[..option.len.into()]).into_owned()
                    };
                    names.push(device.options.first().map(name).expect("a name"));
                }
                pcap_parser::PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                    let at = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                    packets.push((packet.if_id, at, packet.origlen, packet.data[..packet.caplen as usize].to_vec()));
                }
                _ => {}
            }
        }
        assert_eq!(names, ["m-1 eth0", "m-22 eth1"]);
        let wanted = [(1, &frames[0]), (0, &frames[1])].map(|(id, it)| (id, it.at, it.length, it.data.clone()));
        assert_eq!(packets, wanted);
    }
}

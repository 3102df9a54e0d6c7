const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1 ? 0xedb88320 : 0) ^ (value >>> 1);
  return value;
});

/**
 * CRC-32 (IEEE 802.3, as in zip and PNG) of `bytes`, an unsigned integer; `before` is the CRC of what went
 * ahead of them, so that parts can be added one after the other. `crc32("123456789") = 0xcbf43926`.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

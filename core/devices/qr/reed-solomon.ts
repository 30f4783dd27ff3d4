/** Check bytes over GF(2^8), modulo x^8 + x^4 + x^3 + x^2 + 1. Pure. Source: ISO/IEC 18004, clause 7.5. */
const MODULUS = 0x11d;

export function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >>> 7) * MODULUS);
    product ^= ((b >>> bit) & 1) * a;
  }
  return product & 0xff;
}

/** What is left of `data`, divided by the generator of that degree. */
export function remainderOf(data: Uint8Array, degree: number): Uint8Array {
  const divisor = generator(degree);
  const left = new Uint8Array(degree);
  for (const byte of data) {
    const factor = byte ^ (left[0] ?? 0);
    left.copyWithin(0, 1);
    left[degree - 1] = 0;
    for (const [index, coefficient] of divisor.entries()) {
      left[index] = (left[index] ?? 0) ^ multiply(coefficient, factor);
    }
  }
  return left;
}

/** (x - 2^0)(x - 2^1)…, highest power first, without the leading 1. */
function generator(degree: number): Uint8Array {
  const product = new Uint8Array(degree);
  product[degree - 1] = 1;
  let root = 1;
  for (let times = 0; times < degree; times += 1) {
    for (const [index, coefficient] of product.entries()) {
      product[index] = multiply(coefficient, root) ^ (product[index + 1] ?? 0);
    }
    root = multiply(root, 2);
  }
  return product;
}

/** Linear-light red, green, blue; 1 is a white wall in full sun after exposure. */
export type Colour = readonly [number, number, number];

const toLinear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

/** Materials name colours once a sample. */
const named = new Map<string, Colour>();

/** A colour as painters name it, `#rrggbb` in sRGB, as linear light. */
export function hex(code: string): Colour {
  const known = named.get(code);
  if (known) return known;
  const value = Number.parseInt(code.slice(1), 16);
  const colour: Colour = [
    toLinear((value >> 16) / 255),
    toLinear(((value >> 8) & 255) / 255),
    toLinear((value & 255) / 255),
  ];
  named.set(code, colour);
  return colour;
}

export function scaled(colour: Colour, factor: number): Colour {
  return [colour[0] * factor, colour[1] * factor, colour[2] * factor];
}

export function mixed(a: Colour, b: Colour, t: number): Colour {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** 0 below `low`, 1 above `high`, smooth between. */
export function smoothstep(low: number, high: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

/** World axes, metres: x right, y forward, z up; z = 0 is the ground. Angles in radians. */
export interface CameraPose {
  readonly x: number;
  readonly height: number;
  /** Focal length over picture width: Cityscapes' camera has 1.1. */
  readonly focal: number;
  /** Positive looks down. */
  readonly pitch: number;
  /** Positive looks right. */
  readonly yaw: number;
  readonly roll: number;
  /** Horizontal and vertical shift of the principal point, in widths and heights. */
  readonly shiftX: number;
  readonly shiftY: number;
}

/** Pinhole camera. Screen coordinates are pixels, (0, 0) the upper left corner of the picture, pixel centres at halves. */
export class Camera {
  readonly position: readonly [number, number, number];
  readonly focalPixels: number;
  readonly centreX: number;
  readonly centreY: number;
  readonly right: readonly [number, number, number];
  readonly down: readonly [number, number, number];
  readonly forward: readonly [number, number, number];

  constructor(pose: CameraPose, size: { width: number; height: number }) {
    this.position = [pose.x, 0, pose.height];
    this.focalPixels = pose.focal * size.width;
    this.centreX = size.width * (0.5 + pose.shiftX);
    this.centreY = size.height * (0.5 + pose.shiftY);
    const [sinYaw, cosYaw] = [Math.sin(pose.yaw), Math.cos(pose.yaw)];
    const [sinPitch, cosPitch] = [Math.sin(pose.pitch), Math.cos(pose.pitch)];
    const [sinRoll, cosRoll] = [Math.sin(pose.roll), Math.cos(pose.roll)];
    this.forward = [sinYaw * cosPitch, cosYaw * cosPitch, -sinPitch];
    const right = [cosYaw, -sinYaw, 0] as const;
    const down = [-sinYaw * sinPitch, -cosYaw * sinPitch, -cosPitch] as const;
    this.right = [cosRoll * right[0] + sinRoll * down[0], cosRoll * right[1] + sinRoll * down[1], sinRoll * down[2]];
    this.down = [cosRoll * down[0] - sinRoll * right[0], cosRoll * down[1] - sinRoll * right[1], cosRoll * down[2]];
  }

  /** Direction through a screen point, scaled so that one unit of it is one metre of depth. */
  ray(screenX: number, screenY: number, out: Float64Array): void {
    const a = (screenX - this.centreX) / this.focalPixels;
    const b = (screenY - this.centreY) / this.focalPixels;
    for (let i = 0; i < 3; i++) out[i] = this.forward[i]! + a * this.right[i]! + b * this.down[i]!;
  }

  /** World point → camera axes: right, down, depth. */
  toCamera(x: number, y: number, z: number, out: Float64Array): void {
    const [px, py, pz] = this.position;
    const [dx, dy, dz] = [x - px, y - py, z - pz];
    out[0] = dx * this.right[0] + dy * this.right[1] + dz * this.right[2];
    out[1] = dx * this.down[0] + dy * this.down[1] + dz * this.down[2];
    out[2] = dx * this.forward[0] + dy * this.forward[1] + dz * this.forward[2];
  }
}

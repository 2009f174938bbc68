/** A grid over the ground seen from above, sampled bilinearly: light of lamps, dark under cars, heights that throw shadows. */
export class GroundMap {
  readonly left: number;
  readonly near: number;
  readonly cell: number;
  readonly columns: number;
  readonly rows: number;
  readonly values: Float32Array;

  constructor(extent: { left: number; right: number; near: number; far: number; cell: number }) {
    this.left = extent.left;
    this.near = extent.near;
    this.cell = extent.cell;
    this.columns = Math.ceil((extent.right - extent.left) / extent.cell);
    this.rows = Math.ceil((extent.far - extent.near) / extent.cell);
    this.values = new Float32Array(this.columns * this.rows);
  }

  /** Value at a ground position, 0 outside. */
  at(x: number, y: number): number {
    const gx = (x - this.left) / this.cell - 0.5;
    const gy = (y - this.near) / this.cell - 0.5;
    const ix = Math.floor(gx);
    const iy = Math.floor(gy);
    if (ix < 0 || iy < 0 || ix >= this.columns - 1 || iy >= this.rows - 1) return 0;
    const fx = gx - ix;
    const fy = gy - iy;
    const i = iy * this.columns + ix;
    const v = this.values;
    return (
      (v[i]! * (1 - fx) + v[i + 1]! * fx) * (1 - fy) +
      (v[i + this.columns]! * (1 - fx) + v[i + this.columns + 1]! * fx) * fy
    );
  }

  /** Calls `visit` with the index and centre of every cell within `reach` of a point. */
  around(x: number, y: number, reach: number, visit: (index: number, cx: number, cy: number) => void): void {
    const firstColumn = Math.max(0, Math.floor((x - reach - this.left) / this.cell));
    const lastColumn = Math.min(this.columns - 1, Math.ceil((x + reach - this.left) / this.cell));
    const firstRow = Math.max(0, Math.floor((y - reach - this.near) / this.cell));
    const lastRow = Math.min(this.rows - 1, Math.ceil((y + reach - this.near) / this.cell));
    for (let row = firstRow; row <= lastRow; row++) {
      for (let column = firstColumn; column <= lastColumn; column++) {
        visit(row * this.columns + column, this.left + (column + 0.5) * this.cell, this.near + (row + 0.5) * this.cell);
      }
    }
  }
}

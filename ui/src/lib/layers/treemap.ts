/** A rectangle of a size map, in percent of the whole. */
export interface Tile {
  x: number
  y: number
  width: number
  height: number
}

interface Space extends Tile {
  area: number
}

/** The worst proportion of a row of areas laid along a side. */
function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((total, area) => total + area, 0)
  return Math.max(...row.map((area) => Math.max((side * side * area) / (sum * sum), (sum * sum) / (side * side * area))))
}

function place(row: readonly number[], space: Space): Tile[] {
  const sum = row.reduce((total, area) => total + area, 0)
  const upright = space.width >= space.height
  const thickness = sum / (upright ? space.height : space.width)
  let at = upright ? space.y : space.x
  const tiles = row.map((area) => {
    const length = area / thickness
    const tile = upright ? { x: space.x, y: at, width: thickness, height: length } : { x: at, y: space.y, width: length, height: thickness }
    at += length
    return tile
  })
  if (upright) Object.assign(space, { x: space.x + thickness, width: space.width - thickness })
  else Object.assign(space, { y: space.y + thickness, height: space.height - thickness })
  return tiles
}

/** Lays out sizes, the largest first, as near to squares as they get (squarified treemap). The whole is `wide` times as wide as high. */
export function treemap(sizes: readonly number[], wide = 1): Tile[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (total === 0) return []
  const areas = sizes.map((size) => (size / total) * wide)
  const space: Space = { x: 0, y: 0, width: wide, height: 1, area: wide }
  const tiles: Tile[] = []
  let row: number[] = []
  for (const area of areas) {
    const side = Math.min(space.width, space.height)
    if (row.length > 0 && worst([...row, area], side) > worst(row, side)) {
      tiles.push(...place(row, space))
      row = []
    }
    row.push(area)
  }
  tiles.push(...place(row, space))
  return tiles.map(({ x, y, width, height }) => ({ x: (x / wide) * 100, y: y * 100, width: (width / wide) * 100, height: height * 100 }))
}

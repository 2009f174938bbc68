/**
 * Cityscapes' labelIds of what the generator draws. The scene is labelled in labelIds, the richer set;
 * train ids follow from the label table, where the five last ones here are ignored.
 */
export const ids = {
  road: 7,
  sidewalk: 8,
  building: 11,
  wall: 12,
  fence: 13,
  pole: 17,
  trafficLight: 19,
  trafficSign: 20,
  vegetation: 21,
  terrain: 22,
  sky: 23,
  person: 24,
  rider: 25,
  car: 26,
  truck: 27,
  bus: 28,
  train: 31,
  motorcycle: 32,
  bicycle: 33,
  egoVehicle: 1,
  static: 4,
  railTrack: 10,
  guardRail: 14,
} as const;

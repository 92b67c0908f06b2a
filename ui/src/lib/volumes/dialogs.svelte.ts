/** The dialog about volumes that is open. */
class VolumeDialogs {
  creating = $state(false)
}

export const volumeDialogs = new VolumeDialogs()

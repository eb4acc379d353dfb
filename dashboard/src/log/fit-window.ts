/** So much of the log is shown however little room there is, and so much stands below it. */
const MIN_HEIGHT = 112
const FOOT = 36
/** What stays beside a log that takes the window. */
const AROUND = 150
const PHONE = 768

/** The log ends where the window ends when the run is opened: its last lines are seen without scrolling the page. */
export function fitWindow(log: HTMLElement, tall: boolean): void {
  const above = log.getBoundingClientRect().top + (log.closest('.sheet, .execution-page')?.scrollTop ?? 0)
  const room = tall ? innerHeight - AROUND : innerHeight - above - FOOT
  log.style.maxHeight = `${Math.max(innerWidth < PHONE ? innerHeight * 0.6 : MIN_HEIGHT, room)}px`
}

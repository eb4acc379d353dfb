/** Every English word of saved views, loaded with them. */
export const viewsTexts = {
  title: 'Views',
  save: 'Save this view',
  shared: 'shared',
  sharedBy: (name: string, owner: string) => `${name}, shared by ${owner}`,
  name: 'Name',
  shareIt: 'Everybody sees it',
  submit: 'Save',
  saved: (name: string) => `The view ${name} is saved.`,
  deleted: (name: string) => `The view ${name} is deleted.`,
  remove: (name: string) => `Delete the view ${name}`,
  manage: 'Views…',
  manageTitle: 'Saved views',
  none: 'No view is saved yet.',
  of: (page: string) => `of ${page}`,
  cannot: 'What is shown here cannot be saved; lists and figures can.',
} as const

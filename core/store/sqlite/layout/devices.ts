/** Devices and what they ask for, as JSON: nobody searches in it. */
export const DEVICES = `
  create table device (
    id text primary key,
    record text not null
  ) strict;
  create table device_request (
    id text primary key,
    record text not null
  ) strict;
  `;

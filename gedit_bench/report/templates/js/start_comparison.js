startTheme();
startViews();
startViewer();
await startGallery();

startTheme();
startBoard();
startViews();
startViewer();
await startGallery();

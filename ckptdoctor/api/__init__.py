"""What `import ckptdoctor` gives, one noun a module; a module imports the rooms that it needs where it needs them."""

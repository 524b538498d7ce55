// The room's first source stands here until its parts land.
